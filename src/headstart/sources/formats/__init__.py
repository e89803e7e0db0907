"""What can be added as a source, one format a file.

A part of the kind `formats` is a module with

- `accepts(thing) -> bool`: whether a path, or an object in Python, is of this format, told without opening it;
- `read(thing, wishes) -> Draft`: check and read it, running nothing that it brings along.
"""
