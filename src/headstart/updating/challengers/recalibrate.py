"""Recalibrate: the champion with another slope and intercept, for when classes have become more frequent or rarer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from headstart.updating.building import build

if TYPE_CHECKING:
    from pathlib import Path

    from headstart.updating.challenger import Occasion


@dataclass(frozen=True)
class Recalibrate:
    """Fits two numbers of each label at most, so that some tens of records are enough."""

    name: ClassVar[str] = "recalibrate"
    cost: ClassVar[int] = 1

    def make(self, occasion: Occasion, out: Path) -> None:
        """Write the bundle."""
        build(occasion, out, ways=("recalibrated",))
