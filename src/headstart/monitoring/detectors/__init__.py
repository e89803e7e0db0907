"""Detectors of change in one series of numbers, one file each: ours, and those of river for comparison."""
