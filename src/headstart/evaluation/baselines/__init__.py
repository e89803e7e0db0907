"""Baselines, one file each, independent of each other."""
