"""Where work runs and where files lie: threads, progress, atomic files, packages from the user's index."""
