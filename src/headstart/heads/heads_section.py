"""The heads section of the report: the chosen head, and what else was tried."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from headstart.core.report import Report, Section
from headstart.reporting import Part, Rendering, template_of

if TYPE_CHECKING:
    from headstart.heads.select import Adapted


@dataclass(frozen=True, kw_only=True)
class HeadsSection(Section):
    """The heads that adaptation tried.

    Attributes
    ----------
    head : the head of the model: 'ridge', 'blend of ridge and logistic', or the models whose mean it is
    head_candidates : what was tried, best first: {name, loss, chosen}
    """

    section_name: ClassVar[str] = "heads"

    head: str
    head_candidates: tuple[dict[str, Any], ...] = ()

    def rendering(self, report: Report) -> Rendering:  # noqa: ARG002
        """The table of heads."""
        page = Part(order=1120, title="How it was made", template=template_of(__name__, "html"))
        return Rendering(page=(page,) if self.head_candidates else ())


def describe_heads(adapted: Adapted, *, mix: str | None = None) -> HeadsSection:
    """Describe what adaptation chose on the best frozen source; `mix` names the models of whose mean it is a part."""
    return HeadsSection(
        head=mix or adapted.head_name,
        head_candidates=tuple({**one, "chosen": one["weight"] > 0} for one in adapted.head_candidates),
    )
