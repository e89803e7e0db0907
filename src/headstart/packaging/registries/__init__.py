"""Registries: where versions of one model lie, with the aliases champion and challenger and a log: a folder, PostgreSQL or MLflow."""
