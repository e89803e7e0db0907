"""Time, memory and energy in the report."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar

from headstart.core.report import Report, Section
from headstart.reporting import Figure, Part, Rendering, template_of, wording


@dataclass(frozen=True, kw_only=True)
class TimingSection(Section):
    """What a fit cost on this computer.

    With the seconds of baselines and methods, and seconds and latency in the ranking, the only part that differs between two runs on
    the same data.

    Attributes
    ----------
    seconds : by stage, in their order, and `total`
    n_embedded : items whose features were not in the cache
    """

    section_name: ClassVar[str] = "timing"

    seconds: dict[str, Any] = field(default_factory=dict)
    peak_mib: float | None = None
    energy_wh: float | None = None
    energy_note: str = ""
    n_embedded: int | None = None

    def rendering(self, report: Report) -> Rendering:  # noqa: ARG002
        """The total at the head of the page, and the stages."""
        total = self.seconds.get("total")
        stages = {stage: seconds for stage, seconds in self.seconds.items() if stage != "total"}
        values = {"stages": stages, "all_s": sum(stages.values()) or 1.0}
        template = template_of(__name__, "html")
        made = "from data to proven model, on this computer" + (", features from the cache" * (self.n_embedded == 0))
        return Rendering(
            figures=() if total is None else (Figure(order=400, value=wording.duration(total), caption=made),),
            page=(Part(order=1110, title="How it was made", template=template, values=values, below=True),),
        )
