"""Sources of the user's own in the report: which columns are the same, how much was taken, and what that was worth in rows."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

from headstart.core.report import Section
from headstart.reporting import Part, Rendering, template_of

if TYPE_CHECKING:
    from headstart.core.report import Report

_NOTHING = 0.005  # a weight that is said as 0 %


@dataclass(frozen=True, kw_only=True)
class TakenSource:
    """One source.

    Attributes
    ----------
    name, n_rows : of the data that it was made of
    quality : of its model on its own held-out rows: {name, value, low, high}
    columns : {source, target, why, scale}, the target empty where a column is taken as missing; none where one value is read
    units : changes of unit, and matches by the meaning of names, that seem likely, a sentence each
    taken : how much counts of each way to take from it, in words
    weight : of all models that take from it, in the mean that ships
    """

    name: str
    n_rows: int
    quality: dict[str, Any] = field(default_factory=dict)
    columns: tuple[dict[str, Any], ...] = ()
    units: tuple[str, ...] = ()
    taken: str = ""
    weight: float = 0.0

    @property
    def sentence(self) -> str:
        """How much was taken, for people.

        >>> TakenSource(name="last-year", n_rows=400, taken="Its score was recalibrated 100 %.", weight=0.4).sentence
        "'last-year' (400 rows) has 40 % of the weight in the mean. Its score was recalibrated 100 %."
        """
        of = f"'{self.name}' ({self.n_rows:,} rows)"
        if self.weight < _NOTHING:
            return f"Nothing was taken from {of}: held-out rows gave what reads it no weight."
        return f"{of} has {100 * self.weight:.0f} % of the weight in the mean. {self.taken}".strip()


@dataclass(frozen=True, kw_only=True)
class OwnSourceSection(Section):
    """The sources of the user's own that were tried.

    Attributes
    ----------
    worth : how many rows of the target they stand for, a sentence
    curve : of the target alone, on the same held-out items: {n_items, value}
    """

    section_name: ClassVar[str] = "own_source"

    sources: tuple[TakenSource, ...] = ()
    worth: str = ""
    curve: tuple[dict[str, Any], ...] = ()

    @property
    def sentences(self) -> tuple[str, ...]:
        """How much was taken from each source, and what that was worth."""
        return (*(one.sentence for one in self.sources), *([self.worth] if self.worth else []))

    def rendering(self, report: Report) -> Rendering:  # noqa: ARG002
        """What was taken, and the table of columns; the sentences on the card."""
        if not self.sources:
            return Rendering()
        title = "Your own source"
        return Rendering(
            page=(Part(order=240, title=title, template=template_of(__name__, "html")),),
            card=(Part(order=450, title=title, template=template_of(__name__, "md")),),
        )
