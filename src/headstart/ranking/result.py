"""Ranking: what was found of each source, best first."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar

from headstart.core.report import Report, Score, Section

if TYPE_CHECKING:
    from collections.abc import Collection

    from headstart.reporting import Rendering


@dataclass(frozen=True, kw_only=True)
class Ranked:
    """One source in a ranking.

    Attributes
    ----------
    score : what the choice rests on, on the winner's terms: what the ranker gave the winner at the end, and the gap that the two
        had on the last items that both saw, with its interval; None for a source that was dropped before it saw an item
    predicted : the headline metric that a simple head on this source had on held-out groups of the `n_items` that it saw
    n_items, seconds : what it cost so far: items looked at, and time spent on it, opening included
    latency_ms : for one item alone, on one thread of this machine; None where it was not opened
    size_mib : of the weights as a bundle packs them
    dropped : why it is not chosen; empty for the best
    """

    name: str
    score: Score | None
    predicted: Score | None
    n_items: int
    seconds: float
    latency_ms: float | None
    size_mib: float
    licence: str
    dropped: str


@dataclass(frozen=True, kw_only=True)
class Ranking(Section):
    """All candidates, the best first; `sources` is never empty, and its first one keeps to the limits.

    It is a section of the report where a source was chosen, not named.
    """

    section_name: ClassVar[str] = "ranking"

    metric: str
    n_items: int
    sources: tuple[Ranked, ...]

    @property
    def best(self) -> Ranked:
        """The one to take."""
        return self.sources[0]

    @property
    def sentence(self) -> str:
        """The choice in words."""
        best, others = self.best, self.sources[1:]
        if not others:
            return f"{best.name} is the only source that there is for this data."
        predicted = f": {best.predicted.name} {best.predicted.value:.3f} foretold" if best.predicted else ""
        return f"{best.name} of {len(self.sources)} sources{predicted}."

    def with_chosen(self, names: Collection[str]) -> Ranking:
        """The same, where sources of these names are not called dropped: a blend took them in."""
        sources = tuple(
            replace(source, dropped="" if source.name in names else source.dropped) for source in self.sources
        )
        return replace(self, sources=sources)

    def to_dict(self) -> dict[str, Any]:
        """The figures that `headstart rank --json` prints."""
        return {**super().to_dict(), "sentence": self.sentence}

    def rendering(self, report: Report) -> Rendering:  # noqa: ARG002
        """Why this source."""
        from headstart.ranking.ranking_rendering import render

        return render(self)
