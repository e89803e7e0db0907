"""Sources of the user's own in the report: which columns are the same, how much was taken, and what that was worth in rows."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

from headstart.core.report import Section
from headstart.reporting import Part, Rendering, template_of

if TYPE_CHECKING:
    from headstart.core.report import Report


@dataclass(frozen=True, kw_only=True)
class TakenSource:
    """One source.

    Attributes
    ----------
    name, n_rows : of the data that it was made of
    quality : of its model on its own held-out rows: {name, value, low, high}
    columns : {source, target, why, scale}, the target empty where a column is taken as missing; none where one value is read
    units : changes of unit that seem likely, a sentence each
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

    def rendering(self, report: Report) -> Rendering:  # noqa: ARG002
        """What was taken, and the table of columns."""
        page = Part(order=240, title="Your own source", template=template_of(__name__, "html"))
        return Rendering(page=(page,) if self.sources else ())
