"""Fit: everything anew, sources too, from the recent records alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from headstart.updating.building import build, need_all_labels

if TYPE_CHECKING:
    from pathlib import Path

    from headstart.updating.challenger import Occasion


@dataclass(frozen=True)
class Fit:
    """A whole fit but for tuning, with the champion as one more model of the mean."""

    name: ClassVar[str] = "fit"
    cost: ClassVar[int] = 4

    def make(self, occasion: Occasion, out: Path) -> None:
        """Write the bundle."""
        need_all_labels(occasion)
        build(
            occasion,
            out,
            ways=("offset",),
            sources=None,
            baselines="full",
            tries_joint=True,
            preset="balanced",
        )
