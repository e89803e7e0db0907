"""Aggregate: what the answers of one window and group come to; adding is exact, in any order."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from headstart.streaming.windows.sketch import Sketch

if TYPE_CHECKING:
    from collections.abc import Mapping

_MILLIONTHS = 1_000_000
QUANTILES = (5, 25, 50, 75, 95)


@dataclass(frozen=True, kw_only=True)
class Observed:
    """What is counted of one record.

    Attributes
    ----------
    is_dead : it could not be read
    labels : predicted
    score : probability of the label, or the value of a regression
    is_anomaly : it could not be read, or its prediction set is not one label
    is_correct : whether the label is the true one; None where that is not known
    delay_s : from the record to its true label, seconds; None where that is not known
    """

    is_dead: bool = False
    labels: tuple[str, ...] = ()
    score: float | None = None
    is_anomaly: bool = False
    is_correct: bool | None = None
    delay_s: float | None = None


@dataclass
class Aggregate:
    """Counts and sketches; `score_sum` is a whole number of millionths, so that its sum is exact."""

    n: int = 0
    n_dead: int = 0
    n_anomalies: int = 0
    n_labelled: int = 0
    n_correct: int = 0
    n_scores: int = 0
    score_sum: int = 0
    classes: Counter[str] = field(default_factory=Counter)
    scores: Sketch = field(default_factory=Sketch)
    delays: Sketch = field(default_factory=Sketch)

    def add(self, one: Observed) -> None:
        """Count one record."""
        self.n += 1
        self.n_dead += one.is_dead
        self.n_anomalies += one.is_anomaly
        self.classes.update(one.labels)
        if one.score is not None:
            self.n_scores += 1
            self.score_sum += round(one.score * _MILLIONTHS)
            self.scores.add(one.score)
        if one.is_correct is not None:
            self.n_labelled += 1
            self.n_correct += one.is_correct
        if one.delay_s is not None:
            self.delays.add(one.delay_s)

    def merge(self, other: Aggregate) -> None:
        """Count what another counted."""
        for name in _NUMBERS:
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.classes.update(other.classes)
        self.scores.merge(other.scores)
        self.delays.merge(other.delays)

    def to_json(self) -> str:
        """Write it down."""
        numbers = {name: getattr(self, name) for name in _NUMBERS}
        sketches = {"scores": self.scores.counts, "delays": self.delays.counts}
        return json.dumps({**numbers, "classes": self.classes, **sketches})

    @classmethod
    def from_json(cls, text: str) -> Aggregate:
        """Inverse of `to_json`."""
        said: Mapping[str, Any] = json.loads(text)
        return cls(
            **{name: said[name] for name in _NUMBERS},
            classes=Counter(said["classes"]),
            scores=Sketch(Counter({int(place): n for place, n in said["scores"].items()})),
            delays=Sketch(Counter({int(place): n for place, n in said["delays"].items()})),
        )

    def row(self, seconds: float) -> dict[str, Any]:
        """What is written of a window of so many seconds; None where there is nothing to measure."""
        return {
            "n": self.n,
            "n_dead": self.n_dead,
            "rate_per_s": self.n / seconds,
            "n_anomalies": self.n_anomalies,
            "anomaly_rate": _share(self.n_anomalies, self.n),
            "score_mean": _share(self.score_sum / _MILLIONTHS, self.n_scores),
            **{f"score_p{q:02}": self.scores.quantile(q / 100) for q in QUANTILES},
            "n_labelled": self.n_labelled,
            "accuracy": _share(self.n_correct, self.n_labelled),
            "label_delay_p50_s": self.delays.quantile(0.5),
            "label_delay_p95_s": self.delays.quantile(0.95),
        }

    def class_rows(self, seconds: float) -> list[dict[str, Any]]:
        """What is written of each label."""
        total = sum(self.classes.values())
        return [
            {"label": label, "n": n, "share": n / total, "rate_per_s": n / seconds}
            for label, n in sorted(self.classes.items())
        ]


_NUMBERS = ("n", "n_dead", "n_anomalies", "n_labelled", "n_correct", "n_scores", "score_sum")


def _share(part: float, whole: int) -> float | None:
    return part / whole if whole else None
