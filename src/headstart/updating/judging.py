"""Judge: two versions on the same labelled records, none of which either has learned from."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from headstart.core.errors import DataError, InternalError
from headstart.data.unreadable_items import without_unreadable
from headstart.packaging.labelled import known_to, load_for
from headstart.updating.betting import bounded_losses

if TYPE_CHECKING:
    from headstart.core.dataset import Dataset, FloatArray, IntArray
    from headstart.packaging.model import Bundle

_SCALES = 4.0  # times the median error: errors of values above count as that


@dataclass(frozen=True, kw_only=True)
class Records:
    """Labelled records, oldest first.

    Attributes
    ----------
    dataset : targets are in the champion's order of labels
    keys : one a record, of its content: the same file read again has the same keys
    """

    dataset: Dataset
    keys: tuple[bytes, ...]

    def __len__(self) -> int:
        return len(self.keys)

    def take(self, index: IntArray) -> Records:
        """Those at some positions."""
        return Records(dataset=self.dataset.take(index), keys=tuple(self.keys[i] for i in index))

    def without(self, keys: set[bytes]) -> Records:
        """Those that have other keys."""
        return self.take(np.array([i for i, key in enumerate(self.keys) if key not in keys], np.intp))


def load_records(champion: Bundle, data: Any, *, max_unreadable: float = 0.01, **columns: Any) -> Records:
    """Load labelled records as a version sees them, in the order of their time, or of the file.

    Raises
    ------
    DataError
        None has a label that the version knows, or too many cannot be read.
    """
    loaded = load_for(champion, data, max_unreadable=max_unreadable, **columns)
    dataset = known_to(champion, loaded)
    if not len(dataset):
        raise DataError(
            f"no record of '{loaded.name}' has a label that the champion knows. Name data of the same task."
        )
    if dataset.times is not None:
        dataset = replace(dataset.take(np.argsort(dataset.times, kind="stable")), times=None)
    rows = champion.outputs(dataset.items)
    dataset, _ = without_unreadable(dataset, rows.errors, max_unreadable)
    return Records(dataset=replace(dataset, splits=None), keys=_keys(champion.reads.keys(dataset.items)))


def losses_of(version: Bundle, records: Records, *, scale: float) -> FloatArray:
    """The bounded loss of each record, shape (n,)."""
    dataset = records.dataset
    if dataset.task_spec.has_probabilities and version.labels != dataset.labels:
        raise InternalError(f"versions of one model know the same labels; {version.labels} and {dataset.labels} came")
    if not len(records):
        return np.empty(0)
    rows = version.outputs(dataset.items)
    if rows.errors:
        raise DataError(f"a version cannot read what the champion can: {next(iter(rows.errors.values()))}")
    return bounded_losses(rows.values, dataset.targets, dataset.task_spec, scale=scale)


def error_scale(version: Bundle, records: Records) -> float:
    """In which errors of values are counted: some times the median of what this version's are; 1 of probabilities."""
    dataset = records.dataset
    if dataset.task_spec.has_probabilities:
        return 1.0
    errors = np.abs(version.outputs(dataset.items).values - dataset.targets)
    return max(_SCALES * float(np.median(errors)), float(np.finfo(np.float32).tiny))


def _keys(contents: list[bytes]) -> tuple[bytes, ...]:
    """Equal records of one file are told apart by their number."""
    seen: Counter[bytes] = Counter()
    keys = []
    for content in contents:
        keys.append(content + seen[content].to_bytes(4, "big"))
        seen[content] += 1
    return tuple(keys)
