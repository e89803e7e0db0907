"""Preprocessors, one kind per file: they turn items into the arrays that a graph takes.

A part of the kind `preprocessors` is a class with the methods of `core.model.Preprocessor`, a class method
`build(settings, files)` that rebuilds it from `settings()` and `files()`, and a `modality`, the name of what it reads. None of
them needs torch or onnx.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from headstart.core import registry

if TYPE_CHECKING:
    from collections.abc import Mapping

    from headstart.core.model import Preprocessor


def modality_of(kind: str) -> str | None:
    """The modality that a kind of preprocessor reads; None if it reads any.

    Raises
    ------
    OptionError
        There is no preprocessor of that kind.

    >>> modality_of("pixels")
    'image'
    """
    modality: str | None = registry.get("preprocessors", kind).modality
    return modality


def build(kind: str, settings: Mapping[str, Any], files: Mapping[str, bytes]) -> Preprocessor:
    """Rebuild a preprocessor from its kind, settings and files, from a card or a bundle's manifest.

    Raises
    ------
    OptionError
        There is no preprocessor of that kind.
    SourceError
        A setting or a file is missing or damaged.
    """
    made: Preprocessor = registry.get("preprocessors", kind).build(settings, files)
    return made
