"""Score and Report: what was measured, on how much, and how sure it is."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

Verdict = Literal["transfer helps", "no significant gain", "transfer hurts", "not proven"]

_RENAMED_VERDICTS: dict[str, Verdict] = {"no credible gain": "no significant gain"}  # as reports of older bundles say
_LISTS = ("labels", "candidates", "curve", "notices", "ranking", "rungs")


@dataclass(frozen=True, kw_only=True)
class Score:
    """One measured quantity with its 95 % interval.

    `unit` is 'fraction', 'nats', or the unit of the target; `n` counts the items it was measured on.
    """

    name: str
    value: float
    low: float
    high: float
    unit: str = "fraction"
    n: int = 0

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> Score:
        """Make a score again from JSON: a number that is not finite is null there."""
        known: dict[str, Any] = {name: math.nan if value is None else value for name, value in fields.items()}
        return cls(**known)


@dataclass(frozen=True, kw_only=True)
class RivalResult:
    """A rival's score on the same held-out items, and the model's paired gain over it (positive: the model is better).

    `name` is for machines, `title` for sentences.
    """

    name: str
    title: str = ""
    score: Score
    gain: Score
    seconds: float = 0.0
    note: str = ""


@dataclass(frozen=True, kw_only=True)
class Report:
    """All that the proof found; `report.json` is this object.

    Attributes
    ----------
    metric : the headline score of the model on held-out items
    metrics : every metric that suits the task
    rivals : each rival on the same items
    gain : the paired gain over the best rival
    estimates : made from the training part alone: 'more of the same', 'new conditions', 'naive'
    candidates : what adaptation tried, best first: {name, loss, chosen}
    curve : the learning curve: [{n_items, value, low, high}], and `forecast` a sentence
    pictures : arrays and lists that the page draws: confusion, reliability, mistakes, suspects, duplicate groups
    ranking : the candidates among which the source was chosen, best first, as `headstart rank --json` gives them; empty
        where one was named
    prediction_set : `coverage`, `threshold` and `mean_size` of the sets of labels that hold the true one as often as `coverage` says;
        empty for several labels, a regression, or too few held-out items
    rungs : what was tried above the closed-form head, which comes first: {name, below, planned_s, seconds, metric, gain, kept, why,
        alpha, trained, settings}; empty where nothing was
    compressed : what was tried to make the packed model smaller or faster, and which of it is packed; empty where nothing was
    timing : seconds by stage, peak_mib, energy_wh; with the seconds of rivals and rungs, and seconds and latency in the ranking,
        the only part that differs between two runs on the same data
    """

    task: str
    name: str
    labels: tuple[str, ...]
    n_items: int
    n_groups: int
    n_train: int
    n_test: int
    evaluation: str
    source: str
    strategy: str
    verdict: Verdict
    sentence: str
    metric: Score
    metrics: tuple[Score, ...]
    rivals: tuple[RivalResult, ...]
    gain: Score | None
    estimates: dict[str, Score]
    candidates: tuple[dict[str, Any], ...]
    curve: tuple[dict[str, Any], ...]
    forecast: str
    pictures: dict[str, Any]
    notices: tuple[dict[str, Any], ...]
    card: dict[str, Any]
    deployed: str
    seed: int
    ranking: tuple[dict[str, Any], ...] = ()
    prediction_set: dict[str, float] = field(default_factory=dict)
    rungs: tuple[dict[str, Any], ...] = ()
    compressed: dict[str, Any] = field(default_factory=dict)
    timing: dict[str, Any] = field(default_factory=dict)

    @property
    def packed_rival(self) -> RivalResult | None:
        """The rival that is packed in the model's place; None where the model itself is."""
        return next((rival for rival in self.rivals if rival.name == self.deployed), None)

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> Report:
        """Make a report again from `to_dict`, or from its JSON; what this version does not know is left out."""
        known = {name: fields[name] for name in cls.__dataclass_fields__ if name in fields}
        rivals = (
            RivalResult(**{**rival, "score": Score.from_dict(rival["score"]), "gain": Score.from_dict(rival["gain"])})
            for rival in known["rivals"]
        )
        lists = {name: tuple(known[name]) for name in _LISTS if name in known}
        return cls(
            **{
                **known,
                **lists,
                "verdict": _RENAMED_VERDICTS.get(known["verdict"], known["verdict"]),
                "metric": Score.from_dict(known["metric"]),
                "metrics": tuple(map(Score.from_dict, known["metrics"])),
                "rivals": tuple(rivals),
                "gain": None if known["gain"] is None else Score.from_dict(known["gain"]),
                "estimates": {name: Score.from_dict(one) for name, one in known["estimates"].items()},
            }
        )

    def to_dict(self) -> dict[str, Any]:
        """Plain dicts and lists, ready for JSON."""
        return asdict(self)
