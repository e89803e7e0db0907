"""One baseline a file; none knows another."""
