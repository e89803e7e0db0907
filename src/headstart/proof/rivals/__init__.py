"""One rival a file; none knows another."""
