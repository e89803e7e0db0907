"""Importing: models that others made become sources."""
