"""Window: a refit of the recent records alone, on the champion's pretrained sources, with plain features and trees beside them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from headstart.pipeline.in_context import split_in_context
from headstart.sources import cards
from headstart.updating.building import NO_SOURCES, build, need_all_labels

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from headstart.packaging.model import Bundle
    from headstart.updating.challenger import Occasion


@dataclass(frozen=True)
class Window:
    """Forgets all that was before the records."""

    name: ClassVar[str] = "window"
    cost: ClassVar[int] = 3

    def make(self, occasion: Occasion, out: Path) -> None:
        """Write the bundle."""
        need_all_labels(occasion)
        build(occasion, out, sources=_sources_of(occasion.champion), baselines="full", tries_joint=True)


def _sources_of(champion: Bundle) -> Sequence[str]:
    """The champion's pretrained networks that the catalogue has and whose features a head can read; plain features are enough without."""
    known = {card.name for card in cards()}
    named = [name for name in str(champion.manifest["source"]).split(" and ") if name in known]
    return split_in_context(named)[1] or NO_SOURCES if named else NO_SOURCES
