"""Find a modality by its name; nothing is imported before it is asked for."""

from __future__ import annotations

import os
from functools import cache
from typing import TYPE_CHECKING

from headstart.core import registry

if TYPE_CHECKING:
    from pathlib import Path

    from headstart.data.modalities.modality import Modality

_KIND = "modalities"


def modality_names() -> tuple[str, ...]:
    """Names of all modalities, sorted.

    >>> set(modality_names()) >= {"image", "text"}
    True
    """
    return registry.names(_KIND)


@cache
def get_modality(name: str) -> Modality:
    """Find a modality by its name.

    Raises
    ------
    OptionError
        There is none of that name; the message gives the nearest.

    >>> get_modality("image").plural
    'images'
    """
    made: Modality = registry.get(_KIND, name)()
    return made


def all_modalities() -> tuple[Modality, ...]:
    """All modalities, in the order in which they are asked whether something is theirs."""
    return tuple(sorted(map(get_modality, modality_names()), key=lambda modality: (modality.order, modality.name)))


def item_modalities() -> tuple[Modality, ...]:
    """Those of which one value alone is an item, in the same order; others are cells of a table."""
    return tuple(modality for modality in all_modalities() if not modality.is_tabular)


def modality_of_file(path: Path | str) -> Modality | None:
    """Find the modality of a file by its suffix, or by its content where no modality has such files; None if it is of none."""
    suffix = os.path.splitext(path)[1].lower()  # noqa: PTH122  a string operation, done for every file
    known = next((one for one in all_modalities() if suffix in one.suffixes), None)
    return known or next((one for one in all_modalities() if one.recognises_file(path)), None)
