"""Ranking: the result for each source, best first."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar

from headstart.core.report import Report, Score, Section
from headstart.reporting import Part, Rendering, template_of
from headstart.reporting.charts import ACCENT, BASELINE, MUTED, PAPER, WIDTH_PX, rule

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from headstart.reporting.charts import Rows, Spec


@dataclass(frozen=True, kw_only=True)
class Ranked:
    """One source in a ranking.

    Attributes
    ----------
    score : the ranker's score that decided, relative to the winner: the winner's final score, minus the paired gap on the last items
        that both saw, with the interval of the gap; None for a source that was excluded before it saw an item
    predicted : headline metric of a closed-form head on this source, on held-out groups of the `n_items` that it saw
    n_items, seconds : number of items it saw, and time spent on it, including opening
    latency_ms : for a single item, on one thread of this machine; None if it was not opened
    size_mib : of the weights as a bundle packs them
    dropped : why it was not chosen; empty for the best
    """

    name: str
    score: Score | None
    predicted: Score | None
    n_items: int
    seconds: float
    latency_ms: float | None
    size_mib: float
    license: str
    dropped: str


@dataclass(frozen=True, kw_only=True)
class Ranking(Section):
    """All sources, best first; `sources` is never empty, and the first one meets the limits.

    It is a section of the report if the source was chosen rather than named.

    Attributes
    ----------
    field : what the sources read; empty if items have one field
    others : the rankings of the other fields
    """

    section_name: ClassVar[str] = "ranking"

    metric: str
    n_items: int
    sources: tuple[Ranked, ...]
    field: str = ""
    others: tuple[Ranking, ...] = ()

    def __repr__(self) -> str:
        return f"Ranking({self.sentence})"

    @property
    def of_fields(self) -> tuple[Ranking, ...]:
        """The ranking of each field; this one alone where there is one field."""
        return (replace(self, others=()), *self.others)

    @property
    def best(self) -> Ranked:
        """The best source."""
        return self.sources[0]

    @property
    def sentence(self) -> str:
        """The choice as a sentence."""
        if self.others:
            return " ".join(f"{ranking.field}: {ranking.sentence}" for ranking in self.of_fields)
        best, others = self.best, self.sources[1:]
        if not others:
            return f"{best.name} is the only source for this data."
        predicted = f": {best.predicted.name} {best.predicted.value:.3f} predicted" if best.predicted else ""
        return f"{best.name} of {len(self.sources)} sources{predicted}."

    def with_chosen(self, names: Collection[str]) -> Ranking:
        """A copy where sources of these names are not marked as dropped, because a blend uses them."""
        sources = tuple(
            replace(source, dropped="" if self._part(source) in names else source.dropped) for source in self.sources
        )
        return replace(self, sources=sources, others=tuple(ranking.with_chosen(names) for ranking in self.others))

    def _part(self, source: Ranked) -> str:
        """What the block of a source's features is called."""
        return f"{source.name} on {self.field}" if self.field else source.name

    def to_dict(self) -> dict[str, Any]:
        """The figures that `headstart rank --json` prints."""
        figures = {**super().to_dict(), "sentence": self.sentence}
        return figures if self.field else {key: figures[key] for key in figures if key not in ("field", "others")}

    def rendering(self, report: Report) -> Rendering:  # noqa: ARG002
        """Why this source was chosen."""
        return Rendering(page=tuple(part for ranking in self.of_fields for part in _parts(ranking)))


def join_rankings(rankings: Sequence[Ranking]) -> Ranking | None:
    """Make one section of the rankings of several fields; None if there is none."""
    return replace(rankings[0], others=tuple(rankings[1:])) if rankings else None


def _parts(ranking: Ranking) -> tuple[Part, ...]:
    """The table of sources and the frontier of evidence against time; empty if there was no choice."""
    if len(ranking.sources) < 2:
        return ()
    measured = [
        {**asdict(source.score), "metric": source.score.name, "latency_ms": source.latency_ms}
        for source in ranking.sources
        if source.score is not None
    ]
    charts = {"frontier": frontier(measured)} if len(measured) > 1 else {}
    template = template_of(__name__, "html")
    title = f"Why this source for {ranking.field}" if ranking.field else "Why this source"
    return (Part(order=1200, title=title, template=template, charts=charts, values={"ranking": ranking}),)


def frontier(sources: Rows) -> Spec:
    """Draw the evidence for ranked sources against their time per item; no source is above and left of the frontier.

    `sources` are numbered in their order: {value, low, high, latency_ms}; the first is the chosen one.
    """
    rows = [{**source, "number": str(i + 1), "colour": BASELINE if i else ACCENT} for i, source in enumerate(sources)]
    best = [
        row for row in rows if row["value"] == max(r["value"] for r in rows if r["latency_ms"] <= row["latency_ms"])
    ]
    x_scale = {"type": "log", "nice": False, "padding": 24}
    x = {"field": "latency_ms", "type": "quantitative", "title": "ms per item (log)", "scale": x_scale}
    x["axis"] = {"tickCount": 4, "format": "~g"}
    y = {"field": "value", "type": "quantitative", "title": sources[0]["metric"], "scale": {"zero": False}}
    whisker = {"x": x, "y": {**y, "field": "low"}, "y2": {"field": "high"}}
    dot = {"x": x, "y": y, "color": {"field": "colour", "type": "nominal", "scale": None}}
    number = {"x": x, "y": y, "text": {"field": "number", "type": "nominal"}}
    line = {"type": "line", "interpolate": "step-after", "color": ACCENT, "strokeWidth": 2, "opacity": 0.6}
    return {
        "data": {"values": rows},
        "width": WIDTH_PX - 60,
        "height": 220,
        "layer": [
            {"mark": rule(MUTED), "encoding": whisker},
            {"data": {"values": best}, "mark": line, "encoding": {"x": x, "y": y}},
            {"mark": {"type": "circle", "size": 260, "opacity": 1}, "encoding": dot},
            {"mark": {"type": "text", "color": PAPER, "fontSize": 12, "fontWeight": "bold"}, "encoding": number},
        ],
    }
