"""Ways to make a model smaller or faster, one file each; `compression/method.py` says what a part of the kind is."""
