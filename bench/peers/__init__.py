"""How do others do on the same data? Nothing here is imported by what runs in their environment but the standard library."""
