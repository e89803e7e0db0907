"""Advice before a fit: what follows from what was noticed of the data and of the sources."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt
from typing import TYPE_CHECKING

from headstart.core.student import Z_95

if TYPE_CHECKING:
    from collections.abc import Sequence

    from headstart.core.dataset import Dataset
    from headstart.ranking.suitability import Suitability

_FEW_OF_A_CLASS = 10
_WIDE = 0.05  # half the width of an interval of accuracy from which on it is said
_FIRST = ("leak", "ordered", "unreadable", "label-spelling")  # notices to be looked at before a fit


@dataclass(frozen=True, kw_only=True)
class SharedWarning:
    """A sentence that holds for several sources, said once."""

    sentence: str
    sources: tuple[str, ...]


def shared_warnings(sources: Sequence[Suitability]) -> list[SharedWarning]:
    """Join warnings that differ in the name of the source alone."""
    found: dict[str, list[Suitability]] = {}
    for source in sources:
        for warning in source.warnings:
            found.setdefault(warning.replace(source.name, "{}"), []).append(source)
    return [
        SharedWarning(
            sentence=sentence.replace("{}", "the network" if len(of) > 1 else of[0].name),
            sources=tuple(source.name for source in of),
        )
        for sentence, of in found.items()
    ]


def advise(dataset: Dataset, sources: Sequence[Suitability], data: str) -> list[str]:
    """Say what to do next, the most pressing first.

    Parameters
    ----------
    data : how the data was named, for the command to run next
    """
    return [*_look_first(dataset), *_too_few(dataset), *_which_sources(sources), _next_step(data)]


def _look_first(dataset: Dataset) -> list[str]:
    kinds = [notice for notice in dataset.notices if notice.kind in _FIRST]
    if not kinds:
        return []
    return [f"Look at this before you fit: {notice.message}" for notice in kinds]


def _too_few(dataset: Dataset) -> list[str]:
    n, said = len(dataset), []
    if dataset.task_spec.has_probabilities:
        counts = dataset.targets.sum(axis=0)
        few = [label for label, count in zip(dataset.labels, counts, strict=True) if count < _FEW_OF_A_CLASS]
        if few:
            named = ", ".join(f"'{label}'" for label in few[:5]) + (", …" if len(few) > 5 else "")
            said.append(
                f"Fewer than {_FEW_OF_A_CLASS} items have the label {named}: figures of such a class say little. Add items, or merge it."
            )
    margin = Z_95 * sqrt(0.25 / n)
    if margin > _WIDE and dataset.task_spec.is_single_label:
        said.append(
            f"With {n} items an accuracy near 50 % is known to ±{100 * margin:.0f} points, one near 90 % to ±{60 * margin:.0f}: gains that are "
            "smaller cannot be proven, though they may be real."
        )
    return said


def _which_sources(sources: Sequence[Suitability]) -> list[str]:
    fitting = [source.name for source in sources if not source.warnings]
    if not sources:
        return []
    if not fitting:
        return [
            "Every pretrained network has a warning: the data differs from what they know. A fit says whether they help all the same."
        ]
    if len(fitting) == len(sources):
        return ["No pretrained network has a warning: the data is of a kind that they know."]
    return [f"The networks without a warning are {', '.join(fitting)}. A fit compares all of them."]


def _next_step(data: str) -> str:
    return f"Next: headstart fit {data} --out MODEL"
