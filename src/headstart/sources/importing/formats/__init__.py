"""Formats of models that can be added as sources, one file each.

A part of the kind `import_formats` is a module with

- `accepts(thing) -> bool`: whether a path, or a Python object, has this format, without opening it;
- `read(thing, options) -> ImportedModel`: check and read it, without running any code in it.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from headstart.core import registry
from headstart.core.errors import SourceError

if TYPE_CHECKING:
    from headstart.sources.importing.imported_model import ImportedModel, ImportOptions


def read_model(thing: Any, options: ImportOptions) -> ImportedModel:
    """Read a model in any registered format.

    Raises
    ------
    SourceError
        There is nothing, or its format is unknown.
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
        f"{thing if isinstance(thing, Path) else type(thing).__name__} is nothing that can be added. Expected a hub-layout folder "
        "(config.json, model.safetensors, tokenizer.json or preprocessor_config.json), an .onnx file, a SavedModel, a bundle, "
        "or in Python a torch module."
    )
