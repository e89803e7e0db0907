"""The heads in the report: which one the model has, and what else was tried."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from headstart.core.report import Report, Section
from headstart.reporting import Part, Rendering, template_of

if TYPE_CHECKING:
    from headstart.heads.select import Adapted


@dataclass(frozen=True, kw_only=True)
class HeadsSection(Section):
    """What adaptation tried.

    Attributes
    ----------
    head : the head of the model: 'ridge', 'blend of ridge and logistic', or the way of tuning that replaced it
    head_candidates : what was tried, best first: {name, loss, chosen}
    """

    section_name: ClassVar[str] = "heads"

    head: str
    head_candidates: tuple[dict[str, Any], ...] = ()

    def rendering(self, report: Report) -> Rendering:  # noqa: ARG002
        """The table of candidates."""
        page = Part(order=1120, title="How it was made", template=template_of(__name__, "html"))
        return Rendering(page=(page,) if self.head_candidates else ())


def describe_heads(adapted: Adapted, *, tuned_by: str | None = None) -> HeadsSection:
    """Describe what adaptation chose; `tuned_by` names the way of tuning whose network and head were kept instead."""
    return HeadsSection(
        head=tuned_by or adapted.head_name,
        head_candidates=tuple({**tried, "chosen": tried["weight"] > 0} for tried in adapted.head_candidates),
    )
