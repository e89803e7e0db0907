"""Prediction: the answer for one item, as text and JSON."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, kw_only=True)
class Prediction:
    """The answer for one item.

    Attributes
    ----------
    item : its name, for people
    label : the most likely label; None for multi-label, regression, or an unreadable item
    labels : the predicted labels, where an item may have several
    value : the predicted value of a regression
    probability : of `label`
    top : the most likely labels and their probabilities, best first
    prediction_set : all plausible labels, best first: the true one is among them as often as the report promises
    error : why there is no prediction; empty if there is one
    """

    item: str
    label: str | None = None
    labels: tuple[str, ...] | None = None
    value: float | None = None
    probability: float | None = None
    top: tuple[tuple[str, float], ...] = ()
    prediction_set: tuple[str, ...] = ()
    error: str = ""

    def to_dict(self) -> dict[str, Any]:
        """The fields that are set, ready for JSON."""
        fields = {name: value for name, value in vars(self).items() if value not in (None, (), "") or name == "labels"}
        if self.labels is None:
            del fields["labels"]
        fields = {name: list(value) if isinstance(value, tuple) else value for name, value in fields.items()}
        if self.top:
            fields["top"] = [{"label": label, "probability": probability} for label, probability in self.top]
        return fields

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> Prediction:
        """Inverse of `to_dict`."""
        top = tuple((one["label"], one["probability"]) for one in fields.get("top", ()))
        lists = {name: tuple(fields[name]) for name in ("labels", "prediction_set") if name in fields}
        return cls(**{**fields, **lists, "top": top})
