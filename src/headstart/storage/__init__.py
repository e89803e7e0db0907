"""Storage: atomic files and the cache of results."""
