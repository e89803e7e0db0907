"""Fitted: what `fit` gives, ready to predict and to be printed."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from headstart.data.data_section import DataSection
from headstart.engines.timing_section import TimingSection
from headstart.evaluation.ablation_section import AblationSection
from headstart.evaluation.evaluation_section import EvaluationSection
from headstart.evaluation.own_source_section import OwnSourceSection
from headstart.heads.heads_section import HeadsSection
from headstart.packaging.package_section import PackageSection, html_top
from headstart.ranking import Ranking
from headstart.tuning.tuning_section import TuningSection

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from headstart.core.report import Report
    from headstart.packaging import Bundle


@dataclass(frozen=True, kw_only=True)
class Fitted:
    """What `fit` gives: the loaded bundle, its report, and where it lies."""

    model: Bundle
    report: Report
    bundle: Path
    seconds: dict[str, float]

    def __repr__(self) -> str:
        found = self.report[EvaluationSection]
        score, data = found.shipped, self.report[DataSection]
        return (
            f"Fitted({data.name}: {score.name} {score.value:.3f} ({score.low:.3f} to {score.high:.3f}), {found.verdict}; "
            f"{found.deployed} in {str(self.bundle)!r})"
        )

    def _repr_html_(self) -> str | None:
        return html_top(self.report)

    def predict(self, items: Sequence[Any]) -> Any:
        """Labels, lists of labels, or values, one an item."""
        return self.model.predict(items)

    def predict_proba(self, items: Sequence[Any]) -> Any:
        """Probabilities, shape (n, k)."""
        return self.model.predict_proba(items)

    def to_dict(self) -> dict[str, Any]:
        """The figures that `headstart fit --json` prints."""
        report, found = self.report, self.report[EvaluationSection]
        ranking, tuning, package = report.get(Ranking), report.get(TuningSection), report[PackageSection]
        ablation = report.get(AblationSection)
        data, timing = report[DataSection], report[TimingSection]
        naive, own = found.estimates.get("naive"), report.get(OwnSourceSection)
        return {
            "task": data.task,
            "n_items": data.n_items,
            "n_groups": data.n_groups,
            "source": package.source,
            "ranking": [asdict(source) for source in ranking.sources] if ranking else [],
            "rankings": {one.field: [asdict(source) for source in one.sources] for one in ranking.of_fields}
            if ranking and ranking.field
            else {},
            "head": report[HeadsSection].head,
            "tuning": list(tuning.results) if tuning else [],
            "verdict": found.verdict,
            "sentence": found.sentence,
            "deployed": package.deployed,
            "shipped": asdict(found.shipped),
            "metric": asdict(found.metric),
            "metrics": [asdict(score) for score in found.metrics],
            "baselines": [
                {**asdict(r.score), "name": r.name, "gain": asdict(r.gain), "seconds": r.seconds}
                for r in found.baselines
            ],
            "gain": asdict(found.gain) if found.gain else None,
            "expected_gain": found.expected_gain,
            "decision": found.decision,
            "per_label": found.figures.get("per_label", []),
            "models": [asdict(model) for model in ablation.models] if ablation else [],
            "left_out": [asdict(part) for part in ablation.left_out] if ablation else [],
            "naive_estimate": naive.value if naive else None,
            "estimates": {name: asdict(score) for name, score in found.estimates.items()},
            "forecast": found.forecast,
            "own_source": {**asdict(own), "sentences": list(own.sentences)} if own else None,
            "notices": list(report.notices),
            "seconds": self.seconds,
            "peak_mib": timing.peak_mib,
            "energy_wh": timing.energy_wh,
            "bundle": str(self.bundle),
        }
