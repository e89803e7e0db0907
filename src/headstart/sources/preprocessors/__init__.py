"""Preprocessing, one kind a file: items become the arrays that a graph takes.

A part of the kind `inputs` is a class with the methods of `core.model.Preprocessor` and a class method
`build(settings, files)` that makes it again from what `settings()` and `files()` gave, and a `modality`, the name of what it reads. None of them needs torch or onnx.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from headstart.core import registry

if TYPE_CHECKING:
    from collections.abc import Mapping

    from headstart.core.model import Preprocessor


def modality_of(kind: str) -> str | None:
    """Name the modality that a kind of preprocessing reads; None for one that reads any.

    Raises
    ------
    OptionError
        No input is of that kind.

    >>> modality_of("pixels")
    'image'
    """
    modality: str | None = registry.get("preprocessors", kind).modality
    return modality


def build(kind: str, settings: Mapping[str, Any], files: Mapping[str, bytes]) -> Preprocessor:
    """Make an input again from its kind, settings and files, as a card or a bundle's manifest gives them.

    Raises
    ------
    OptionError
        No input is of that kind.
    SourceError
        A setting or a file is missing or damaged.
    """
    made: Preprocessor = registry.get("preprocessors", kind).build(settings, files)
    return made
