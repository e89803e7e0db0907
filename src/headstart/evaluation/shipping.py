"""Shipping: which model is packed, the one with pretrained parts or the best without, as the decision of least expected loss.

The verdict asks whether a gain is beyond doubt. With few labels most real gains are not, and refusing them costs more than it saves
(docs/log.md). So what ships is decided by the expected gain: the measured one, shrunk for its noise towards the gains on earlier tasks.
"""

from __future__ import annotations

import math
import tomllib
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Literal

from headstart.core.errors import unknown_name
from headstart.core.report import NOTHING_TRANSFERRED
from headstart.core.student import Z_95
from headstart.evaluation.verdict import amount_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from headstart.core.report import Score
    from headstart.evaluation.verdict import Judgement

Preference = Literal["accuracy", "small"]
PREFERENCES: tuple[Preference, ...] = ("accuracy", "small")
WORTH = 0.005


@dataclass(frozen=True, kw_only=True)
class Shipping:
    """How to decide.

    Attributes
    ----------
    prefer : 'accuracy' ships what is expected to be better; 'small' ships pretrained parts only if they are significantly better
    worth : the expected gain below which pretrained parts are not worth their size, as a fraction of 1; of a metric in other units
        any expected gain is worth it
    """

    prefer: Preference = "accuracy"
    worth: float = WORTH

    def __post_init__(self) -> None:
        if self.prefer not in PREFERENCES:
            raise unknown_name("preference", self.prefer, PREFERENCES)


@dataclass(frozen=True, kw_only=True)
class GainPrior:
    """Gains of models with pretrained parts over the best without, on earlier tasks: their mean and standard deviation."""

    mean: float
    deviation: float

    def expected(self, gain: Score) -> float:
        """The posterior mean of the true gain, by the normal model."""
        error = (gain.high - gain.low) / 2 / Z_95
        weight = self.deviation**2 / (self.deviation**2 + error**2) if math.isfinite(error) else 0.0
        return weight * gain.value + (1 - weight) * self.mean


IN_CONTEXT = "in context"
_IN_CONTEXT = GainPrior(mean=0.0, deviation=0.02)  # over plain models on tables of 50 and 200 rows (docs/log.md)


@dataclass(frozen=True, kw_only=True)
class Decision:
    """What ships.

    Attributes
    ----------
    ships_transfer : whether it is the model with pretrained parts
    expected_gain : of that model; None where nothing was measured
    packed : what ships, for people
    why : the reason; empty where the verdict is one
    """

    ships_transfer: bool
    expected_gain: float | None
    packed: str = "The model"
    why: str = ""

    @property
    def sentence(self) -> str:
        """What ships in spite of the verdict, and why, to stand behind it; empty where it is what the verdict says."""
        return (
            f" {self.packed} is packed {'all the same' if self.ships_transfer else 'instead'}: {self.why}."
            if self.why
            else ""
        )

    def ships(self, judgement: Judgement) -> str:
        """What ships, and why, in one sentence that stands alone."""
        why = f"{self.why}." if self.why else judgement.sentence.partition(": ")[2]
        return f"{self.packed} is packed: {why}"


def decide(
    judgement: Judgement,
    gain: Score | None,
    *,
    shipping: Shipping,
    prior: GainPrior,
    rival: str,
    has_transfer: bool = True,
    beats_controls: bool = True,
) -> Decision:
    """Decide from the paired gain over the best model without pretrained parts.

    Parameters
    ----------
    gain : None if there is no such model
    rival : its name for people
    has_transfer : whether the model has a pretrained part at all
    beats_controls : whether it is better than chance and than random weights
    """
    if gain is None:
        return Decision(ships_transfer=True, expected_gain=None)
    if not has_transfer or not beats_controls:
        why = (
            "the model is no better than what knows nothing"
            if has_transfer
            else "no pretrained part was given a weight"
        )
        if judgement.verdict == NOTHING_TRANSFERRED:
            why = ""
        expected = gain.value if has_transfer else 0.0
        return Decision(ships_transfer=False, expected_gain=expected, packed=rival, why=why)
    if gain.unit == "fraction":
        expected, worth = prior.expected(gain), shipping.worth
    else:
        expected, worth = gain.value, 0.0
    if shipping.prefer == "small":
        if gain.low > 0:
            return Decision(ships_transfer=True, expected_gain=expected)
        return Decision(ships_transfer=False, expected_gain=expected, packed=rival, why="the smaller one is preferred")
    amount = amount_of(replace(gain, value=expected))
    if expected > worth:
        why = "" if judgement.verdict == "transfer helps" else f"a gain of {amount} is expected"
        return Decision(ships_transfer=True, expected_gain=expected, why=why)
    why = f"the expected gain, {amount}, is not worth the pretrained parts"
    if expected <= 0:
        why = f"pretrained parts are expected to lose {amount}"
    return Decision(ships_transfer=False, expected_gain=expected, packed=rival, why=why)


def gain_prior(modality: str, n_items: int, *, table: Sequence[Mapping[str, Any]] | None = None) -> GainPrior:
    """Gains on earlier tasks of the modality with about as many labels; those of all tasks if none were measured.

    `tools/gain_prior.py` writes the table; `table` is used instead, where one is given.

    Parameters
    ----------
    modality : or `IN_CONTEXT`, of a model in which nothing is pretrained but networks that read tables as contexts
    """
    if modality == IN_CONTEXT:
        return _IN_CONTEXT
    rows = _table() if table is None else table
    near = [row for row in rows if row["modality"] == modality] or rows
    found = min(near, key=lambda row: abs(math.log(row["n_items"] / max(n_items, 1))))
    return GainPrior(mean=found["mean"], deviation=found["deviation"])


@cache
def _table() -> list[dict[str, Any]]:
    text = files(__package__).joinpath("gain_prior.toml").read_text(encoding="utf-8")
    return list(tomllib.loads(text)["gains"])
