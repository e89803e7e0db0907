"""Labelling: answers that wait for their labels, and the losses when those come, late and in any order."""

from __future__ import annotations

from collections import OrderedDict, deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from headstart.core.errors import DataError
from headstart.core.label_rule import LabelRule
from headstart.monitoring.ensemble import Ensemble
from headstart.monitoring.findings import Break
from headstart.monitoring.history import History
from headstart.monitoring.statistics import LABELS, Judged, errors_of, losses_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from headstart.core.arrays import FloatArray
    from headstart.monitoring.reference import Reference

MAX_WAITING = 50_000
N_RECENT = 512
_N_JUDGED = 10_000


@dataclass(frozen=True)
class Waiting:
    """An answer without its label: outputs, shape (k,), and the levels of the slices that it is in."""

    outputs: FloatArray
    levels: dict[str, str]


@dataclass(frozen=True)
class Recent:
    """One of the last records, or of those whose label came: its key, its time, and the values of the members."""

    key: str
    time: float | None
    values: FloatArray


class Labelling:
    """Labels as they come.

    Parameters
    ----------
    share : of the budget

    Attributes
    ----------
    history : sums of errors, and of those of the previous label as an answer
    counts : labels of keys that no answer waits for, repeated ones, and answers that were given up for there were too many
    """

    def __init__(self, reference: Reference, *, share: float, seed: int) -> None:
        self._reference = reference
        self._rule = LabelRule(keep_case=reference.keep_case)
        self._places = {self._rule.key(label): i for i, label in enumerate(reference.labels)}
        self.ensemble = Ensemble(reference.of_labels(), share=share, seed=seed)
        self.history = History()
        self.waiting: OrderedDict[str, Waiting] = OrderedDict()
        self.judged: OrderedDict[str, None] = OrderedDict()
        self.recent: deque[Recent] = deque(maxlen=N_RECENT)
        self.counts = {"unknown": 0, "repeated": 0, "given up": 0, "no such label": 0}
        self.n_labels = 0
        self.previous: FloatArray | None = None

    def wait_for(self, keys: Sequence[str], outputs: FloatArray, levels: Mapping[str, Sequence[str]]) -> None:
        """Keep answers until their labels come, with the levels of their slices; at most 50,000, the oldest give way."""
        if not self._reference.labels:
            return
        is_answered = np.asarray(~np.isnan(outputs).any(axis=1))
        for i, key in enumerate(keys):
            if is_answered[i] and key not in self.judged:
                self.waiting[key] = Waiting(outputs[i], {name: one[i] for name, one in levels.items()})
        while len(self.waiting) > MAX_WAITING:
            self.waiting.popitem(last=False)
            self.counts["given up"] += 1

    def take(self, keys: Sequence[str], labels: Sequence[Any]) -> list[Recent]:
        """Join labels to answers; give the losses of those that belong to one."""
        found: list[tuple[str, Waiting, FloatArray]] = []
        targets = [self._target(label) for label in labels]  # all are checked before any counts
        for key, target in zip(keys, targets, strict=True):
            waiting = self.waiting.pop(key, None)
            if waiting is None:
                self.counts["repeated" if key in self.judged else "unknown"] += 1
                continue
            self.judged[key] = None
            self.counts["no such label"] += bool(self._reference.task_spec.is_single_label and not target.any())
            found.append((key, waiting, target))
        while len(self.judged) > _N_JUDGED:
            self.judged.popitem(last=False)
        return self._judge(found) if found else []

    def breaks(self) -> tuple[Break, ...]:
        """What is wrong with the labels that came, of all records so far."""
        said = {
            "unknown": "belong to no record that waits for one: their keys are unknown, or they came too late. They are left out.",
            "repeated": "came for records that had one already. The first counts.",
            "no such label": "are none that the model knows. They count as errors.",
        }
        counts = {name: self.counts[name] for name in said if self.counts[name]}
        return tuple(Break(kind="labels", message=f"{n:,} of the labels {said[name]}") for name, n in counts.items())

    def _judge(self, found: Sequence[tuple[str, Waiting, FloatArray]]) -> list[Recent]:
        reference, task = self._reference, self._reference.task_spec
        outputs = np.stack([waiting.outputs for _, waiting, _ in found])
        targets = np.stack([target for _, _, target in found])
        names = found[0][1].levels
        levels = {name: [waiting.levels.get(name, "") for _, waiting, _ in found] for name in names}
        judged = Judged(outputs=outputs, targets=targets, levels=levels)
        weights = reference.decision_weights
        columns = [losses_of(one, judged, task, weights) for one in reference.statistics if one.group == LABELS]
        values = np.stack(columns, axis=1) if columns else np.zeros((len(found), 0))
        errors = errors_of(outputs, targets, task, weights)
        before = np.concatenate([targets[:1] if self.previous is None else self.previous[None], targets[:-1]])
        of_previous = errors_of(before, targets, task, None)
        has_previous = np.ones(len(found))
        has_previous[0] = float(self.previous is not None)
        self.history.add(
            len(found),
            lambda part: {
                "error": errors[part].sum(keepdims=True),
                "previous": (of_previous * has_previous)[part].sum(keepdims=True),
                "n_previous": has_previous[part].sum(keepdims=True),
            },
            first=self.n_labels,
        )
        self.previous = targets[-1]
        self.n_labels += len(found)
        latest = [Recent(key, None, row) for (key, _, _), row in zip(found, values, strict=True)]
        self.recent.extend(latest)
        return latest

    def _target(self, label: Any) -> FloatArray:
        """What was true, as targets are written, shape (k,); nothing of a label that the model does not know."""
        if not self._reference.task_spec.has_probabilities:
            try:
                value = float(label)
            except (TypeError, ValueError):
                value = np.nan
            if not np.isfinite(value):
                raise DataError(f"a label of this model is a number, got '{str(label)[:60]}'.")
            return np.array([value])
        target = np.zeros(len(self._reference.labels))
        for one in label if isinstance(label, list | tuple) else [label]:
            place = self._places.get(self._rule.key(str(one).strip()))
            if place is not None:
                target[place] = 1.0
        return target
