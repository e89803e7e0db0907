"""Cleaned: a column of cells as values, and what is wrong with some."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from headstart.core.dataset import Notice


@dataclass(frozen=True, kw_only=True)
class Cleaned:
    """A column of cells as values that sources can read.

    Attributes
    ----------
    items : n values, one a cell; where a cell is wrong, what stands there is not to be used
    wrong : what is wrong with the cells at some places, to be read after the row's name: 'names no image'
    notices : what was guessed of the column
    """

    items: Sequence[Any]
    wrong: Mapping[int, str] = field(default_factory=dict)
    notices: tuple[Notice, ...] = ()
