"""Find a named part, built in or from a plugin, without importing the others.

Built-in parts register exactly as plugins do: by an entry point in the group `headstart.KIND`.
"""

from __future__ import annotations

from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from headstart.core.errors import unknown_name


@cache
def _parts(kind: str) -> dict[str, EntryPoint]:
    return {point.name: point for point in entry_points(group=f"headstart.{kind}")}


def names(kind: str) -> tuple[str, ...]:
    """All names of a kind of part, sorted.

    >>> "ridge" in names("heads")
    True
    """
    return tuple(sorted(_parts(kind)))


def get(kind: str, name: str) -> Any:
    """Import and return one part.

    Raises
    ------
    OptionError
        There is no part of that name; the message gives the nearest.
    """
    parts = _parts(kind)
    if name not in parts:
        raise unknown_name(_singular(kind), name, parts)
    return parts[name].load()


def _singular(kind: str) -> str:
    """The word for messages: 'head' for 'heads'."""
    return f"{kind.removesuffix('ies')}y" if kind.endswith("ies") else kind.removesuffix("s")
