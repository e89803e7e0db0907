"""Rankers, one file each, independent of each other."""
