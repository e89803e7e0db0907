"""Compressed: the result of `compress`."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from headstart.compression.compression_section import CompressionSection
from headstart.compression.search import nearest_miss
from headstart.reporting import wording

if TYPE_CHECKING:
    from pathlib import Path

    from headstart.compression.trial import Goal, Trial
    from headstart.core.report import Score


@dataclass(frozen=True, kw_only=True)
class Compressed:
    """The trials on a bundle, and the chosen one.

    Attributes
    ----------
    bundle : folder of the compressed bundle; None if no variant is kept
    chosen : the trial that it contains
    original_mib, original : size and headline score of the original bundle
    evaluation : on which items accuracy was measured, as a sentence
    """

    bundle: Path | None
    chosen: Trial | None
    trials: tuple[Trial, ...]
    goal: Goal
    original_mib: float
    original: Score
    evaluation: str

    def __repr__(self) -> str:
        return f"Compressed({self.sentence})"

    @property
    def sentence(self) -> str:
        """The result as a sentence."""
        if self.chosen is not None and self.chosen.measured is not None:
            m = self.chosen.measured
            points = " points" if m.gain.unit == "fraction" else ""
            return (
                f"{self.chosen.name}: {m.size_mib:.3g} MiB of {self.original_mib:.3g}, {m.latency.ms:.3g} ms of "
                f"{m.latency.original_ms:.3g} for one item, {m.score.name} {wording.amount(m.score)} of {wording.amount(self.original)} "
                f"(paired gain {wording.amount(m.gain, signed=True)}{points}, {wording.interval(m.gain, signed=True)})."
            )
        miss = nearest_miss(self.trials)
        if miss is None:
            return (
                "No method is applicable to this model: networks and large tables of weights can be compressed, and it has none. "
                f"Use it as it is ({self.original_mib:.3g} MiB), or take it elsewhere with: headstart export."
            )
        remedy = f" It is kept with {miss.remedy}." if miss.remedy else ""
        return f"No variant is kept, and nothing was written. The nearest miss is {miss.name}: {'; '.join(miss.failed)}.{remedy}"

    def section(self) -> CompressionSection:
        """The compression section of the new bundle's report.

        Raises
        ------
        ValueError
            No trial is kept, so there is no new bundle.
        """
        if self.chosen is None or self.chosen.measured is None:
            raise ValueError("no trial is kept, so there is nothing to report")
        measured = self.chosen.measured
        return CompressionSection(
            name=self.chosen.name,
            methods=self.chosen.methods,
            size_mib=measured.size_mib,
            latency=asdict(measured.latency),
            gain=measured.gain,
            metric=measured.score,
            goal=asdict(self.goal),
            evaluation=self.evaluation,
            original_mib=self.original_mib,
            original=self.original,
            sentence=self.sentence,
            trials=tuple(trial.to_dict() for trial in self.trials),
        )

    def to_dict(self) -> dict[str, Any]:
        """The figures that `headstart compress --json` prints."""
        packed = {} if self.chosen is None else self.chosen.to_dict()
        return {
            "bundle": None if self.bundle is None else str(self.bundle),
            **{name: packed.get(name, []) for name in ("name", "methods", "size_mib", "latency", "gain")},
            "metric": packed.get("score"),
            "goal": asdict(self.goal),
            "evaluation": self.evaluation,
            "original_mib": self.original_mib,
            "original": asdict(self.original),
            "sentence": self.sentence,
            "trials": [trial.to_dict() for trial in self.trials],
        }
