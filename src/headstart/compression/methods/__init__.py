"""Compression methods, one file each; `compression/method.py` defines the protocol."""
