"""Downloads: fetch archives from the user's own package indexes and registries."""
