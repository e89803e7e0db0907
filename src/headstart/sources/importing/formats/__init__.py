"""What can be added as a source, one format a file.

A part of the kind `formats` is a module with

- `accepts(thing) -> bool`: whether a path, or an object in Python, is of this format, told without opening it;
- `read(thing, wishes) -> Draft`: check and read it, running nothing that it brings along.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from headstart.core import registry
from headstart.core.errors import SourceError

if TYPE_CHECKING:
    from headstart.sources.importing.imported_model import ImportedModel, ImportOptions


def read_model(thing: Any, options: ImportOptions) -> ImportedModel:
    """Read whatever format it is.

    Raises
    ------
    SourceError
        There is nothing, or it is of no known format.
    """
    thing = Path(thing).expanduser() if isinstance(thing, str) else thing
    if isinstance(thing, Path) and not thing.exists():
        raise SourceError(f"there is nothing at {thing}. Give the path of a model's folder or file.")
    for kind in registry.names("import_formats"):
        part = registry.get("import_formats", kind)
        if part.accepts(thing):
            imported: ImportedModel = part.read(thing, options)
            return imported
    raise SourceError(
        f"{thing if isinstance(thing, Path) else type(thing).__name__} is nothing that can be added. A hub-layout folder "
        "(config.json, model.safetensors, tokenizer.json or preprocessor_config.json), an .onnx file, a SavedModel, a bundle, "
        "or in Python a torch module can be."
    )
