"""Find a modality by its name; nothing is imported before it is asked for."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from headstart.core import registry

if TYPE_CHECKING:
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
