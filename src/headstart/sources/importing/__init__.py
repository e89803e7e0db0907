"""Importing: make sources of models from elsewhere."""
