"""Programs of the makers: what writes measured tables into src, and the audit of `make check`."""
