"""Ways to make a new version from the champion and recent records."""
