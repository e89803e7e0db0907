"""Readers: folders, delimited files, records and frames."""
