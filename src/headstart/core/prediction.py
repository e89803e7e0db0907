"""Prediction: the answer for one item, as text and JSON."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

_NAME_LENGTH = 60


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
        fields = {
            name: list(value) if isinstance(value, tuple) else value
            for name, value in vars(self).items()
            if value not in (None, (), "") or (name == "labels" and value is not None)
        }
        if self.top:
            fields["top"] = [{"label": label, "probability": probability} for label, probability in self.top]
        return fields

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> Prediction:
        """Inverse of `to_dict`."""
        top = tuple((one["label"], one["probability"]) for one in fields.get("top", ()))
        lists = {name: tuple(fields[name]) for name in ("labels", "prediction_set") if name in fields}
        return cls(**{**fields, **lists, "top": top})


def item_name(item: Any, position: int) -> str:
    """Call an item by its path or the beginning of its text, else by its place.

    >>> item_name("They charged   my card twice.", 0), item_name(b"...", 1)
    ('They charged my card twice.', 'item 2')
    """
    if not isinstance(item, str | Path):
        return f"item {position + 1}"
    text = " ".join(str(item).split())
    return text if len(text) <= _NAME_LENGTH or isinstance(item, Path) else text[: _NAME_LENGTH - 1] + "…"
