"""The tuning section of the report: the methods tried after the closed-form head, and what was kept."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from headstart.core.report import Report, Score, Section
from headstart.reporting import Part, Rendering, template_of
from headstart.reporting.charts import ACCENT, BASELINE, Spec, dot_and_whisker, estimate_row
from headstart.reporting.wording import axis_title

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, kw_only=True)
class TuningSection(Section):
    """The tuning methods, the closed-form head first.

    Attributes
    ----------
    results : {name, below, planned_s, seconds, metric, gain, kept, why, alpha, trained, settings}
    """

    section_name: ClassVar[str] = "tuning"

    results: tuple[dict[str, Any], ...]

    def rendering(self, report: Report) -> Rendering:  # noqa: ARG002
        """The plan, the gains, and why each method was kept or not."""
        measured = [_with_scores(result) for result in self.results]
        gains = {result["name"]: (result["gain"], result["kept"]) for result in measured if result["gain"]}
        page = Part(
            order=300,
            title="Was tuning the network worth it?",
            template=template_of(__name__, "html"),
            charts={"results": gains_of_results(gains)} if gains else {},
            values={
                "results": measured,
                "tuned": [result for result in measured if result["below"] is not None],
                "metric": next((result["metric"].name for result in measured if result["metric"]), "score"),
            },
        )
        return Rendering(page=(page,) if measured else ())


def gains_of_results(gains: Mapping[str, tuple[Score, bool]]) -> Spec:
    """Draw the paired gain of each method over the one it was compared with, with its interval, colored by whether it was kept."""
    rows = [estimate_row(name, gain, ACCENT if kept else BASELINE, signed=True) for name, (gain, kept) in gains.items()]
    first, _ = next(iter(gains.values()))
    return dot_and_whisker(rows, axis_title(first, signed=True), zero=True)


def _with_scores(result: Mapping[str, Any]) -> dict[str, Any]:
    return {**result, **{key: Score.from_dict(result[key]) if result[key] else None for key in ("metric", "gain")}}
