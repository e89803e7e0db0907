"""Fitted: what `fit` gives, ready to predict and to be printed."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

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

    def predict(self, items: Sequence[Any]) -> Any:
        """Labels, lists of labels, or values, one an item."""
        return self.model.predict(items)

    def predict_proba(self, items: Sequence[Any]) -> Any:
        """Probabilities, shape (n, k)."""
        return self.model.predict_proba(items)

    def to_dict(self) -> dict[str, Any]:
        """The figures that `headstart fit --json` prints."""
        report = self.report
        naive = report.estimates.get("naive")
        return {
            "task": report.task,
            "n_items": report.n_items,
            "n_groups": report.n_groups,
            "source": report.source,
            "ranking": list(report.ranking),
            "strategy": report.strategy,
            "rungs": list(report.rungs),
            "verdict": report.verdict,
            "sentence": report.sentence,
            "deployed": report.deployed,
            "metric": asdict(report.metric),
            "metrics": [asdict(score) for score in report.metrics],
            "rivals": [
                {**asdict(r.score), "name": r.name, "gain": asdict(r.gain), "seconds": r.seconds} for r in report.rivals
            ],
            "gain": asdict(report.gain) if report.gain else None,
            "naive_estimate": naive.value if naive else None,
            "estimates": {name: asdict(score) for name, score in report.estimates.items()},
            "forecast": report.forecast,
            "notices": list(report.notices),
            "seconds": self.seconds,
            "peak_mib": report.timing["peak_mib"],
            "energy_wh": report.timing["energy_wh"],
            "bundle": str(self.bundle),
        }
