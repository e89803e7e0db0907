"""Tuning in the report: what was tried above the closed-form head, and what was kept."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from headstart.core.report import Report, Score, Section
from headstart.reporting import Part, Rendering, template_of
from headstart.reporting.charts import ACCENT, RIVAL, Spec, dot_and_whisker, estimate_row
from headstart.reporting.wording import axis_title

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, kw_only=True)
class TuningSection(Section):
    """The rungs, the closed-form head first.

    Attributes
    ----------
    rungs : {name, below, planned_s, seconds, metric, gain, kept, why, alpha, trained, settings}
    """

    section_name: ClassVar[str] = "tuning"

    rungs: tuple[dict[str, Any], ...]

    def rendering(self, report: Report) -> Rendering:  # noqa: ARG002
        """The plan, the gains, and why each was kept or not."""
        measured = [_with_scores(rung) for rung in self.rungs]
        gains = {rung["name"]: (rung["gain"], rung["kept"]) for rung in measured if rung["gain"]}
        page = Part(
            order=300,
            title="Was tuning the network worth it?",
            template=template_of(__name__, "html"),
            charts={"rungs": rung_gains(gains)} if gains else {},
            values={
                "rungs": measured,
                "climbed": [rung for rung in measured if rung["below"] is not None],
                "metric": next((rung["metric"].name for rung in measured if rung["metric"]), "score"),
            },
        )
        return Rendering(page=(page,) if measured else ())


def rung_gains(gains: Mapping[str, tuple[Score, bool]]) -> Spec:
    """Draw the paired gain of each rung over the one below, with intervals, about zero, and whether it was kept."""
    rows = [estimate_row(name, gain, ACCENT if kept else RIVAL, signed=True) for name, (gain, kept) in gains.items()]
    first, _ = next(iter(gains.values()))
    return dot_and_whisker(rows, axis_title(first, signed=True), zero=True)


def _with_scores(rung: Mapping[str, Any]) -> dict[str, Any]:
    return {**rung, **{key: Score.from_dict(rung[key]) if rung[key] else None for key in ("metric", "gain")}}
