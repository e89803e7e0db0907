"""Residual: the champion's score as offset, and a ridge residual of the recent records, as for a source of one's own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from headstart.updating.building import build

if TYPE_CHECKING:
    from pathlib import Path

    from headstart.updating.challenger import Occasion


@dataclass(frozen=True)
class Residual:
    """Takes from the champion as much as held-out recent records say, down to nothing."""

    name: ClassVar[str] = "residual"
    cost: ClassVar[int] = 2

    def make(self, occasion: Occasion, out: Path) -> None:
        """Write the bundle."""
        build(occasion, out, ways=("offset",))
