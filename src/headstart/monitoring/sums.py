"""The values of records, and the sums of them that the history keeps."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from headstart.core.errors import DataError
from headstart.monitoring.contents import contents_of
from headstart.monitoring.distance import moment_sums
from headstart.monitoring.estimating import calibrated
from headstart.monitoring.ranks import bins_of
from headstart.monitoring.referring import decided_probability, slice_levels
from headstart.monitoring.statistics import LABELS, OTHER, Observed, level_values, read_items, values_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from headstart.core.arrays import FloatArray
    from headstart.monitoring.ensemble import Member
    from headstart.monitoring.history import Sums
    from headstart.monitoring.reference import Reference


@dataclass(frozen=True, kw_only=True, eq=False)
class SeenRecords:
    """What a watch needs of some records: numbers, and none of their contents.

    Attributes
    ----------
    keys, times : of each, as it came; a key may be empty
    values : of the members that need no labels, shape (n, n_members)
    outputs : of the model, shape (n, k)
    projections : of the features, by block, shape (n, r)
    levels : of the slices that each is in, by field
    hashes : of the contents of those that could be read
    n_unreadable : further ones, which are in none of these
    outside : by field, how many values lie outside the reference's range
    schema : what is wrong with the columns; empty where nothing is
    """

    keys: Sequence[str]
    times: Sequence[float | None]
    values: FloatArray
    outputs: FloatArray
    projections: Mapping[str, FloatArray]
    levels: Mapping[str, Sequence[str]]
    hashes: Sequence[int]
    n_unreadable: int = 0
    outside: Mapping[str, int] = field(default_factory=dict)
    schema: str = ""


def record_values(
    reference: Reference,
    items: Sequence[Any] | None,
    outputs: FloatArray,
    features: FloatArray | None,
    *,
    keys: Sequence[str] = (),
    times: Sequence[float | None] = (),
    n_unreadable: int = 0,
) -> SeenRecords:
    """Compute all that is watched of records; the last three are as in `SeenRecords`."""
    schema = ""
    try:
        cells, sizes = read_items(items, reference.fields)
    except DataError as error:
        schema, cells, sizes = str(error), {}, {}
    projections = {} if features is None else {one.block: one.of(features) for one in reference.projections}
    seen = Observed(n=len(outputs), cells=cells, sizes=sizes, outputs=outputs, projections=projections)
    columns, outside = [], {}
    for statistic, member in zip(reference.statistics, reference.members, strict=True):
        if statistic.group == LABELS:
            continue
        if statistic.of == "level" and statistic.at == OTHER:
            known = [one.at for one in reference.statistics if one.of == "level" and one.field == statistic.field]
            cell = cells.get(statistic.field)
            values = level_values(known, cell) if isinstance(cell, list) else np.full(seen.n, np.nan)
        else:
            values = values_of(statistic, seen)
        if statistic.of == "cell" and len(member.edges):
            outside[statistic.field] = int(((values < member.edges[0]) | (values > member.edges[-1])).sum())
        columns.append(values)
    is_answered = ~np.isnan(outputs).all(axis=1)
    n_unanswered = int((~is_answered).sum()) if len(reference.labels) and is_answered.any() else 0
    return SeenRecords(
        keys=keys or [""] * seen.n,
        times=times or [None] * seen.n,
        values=np.stack(columns, axis=1) if columns else np.zeros((seen.n, 0)),
        outputs=outputs,
        projections=projections,
        levels=_levels(reference, outputs, cells),
        hashes=contents_of(cells, items, keys, seen.n)[: seen.n - n_unanswered],
        n_unreadable=n_unreadable + n_unanswered,
        outside=outside,
        schema=schema,
    )


def _levels(reference: Reference, outputs: FloatArray, cells: Mapping[str, Any]) -> dict[str, Sequence[str]]:
    if not reference.labels or not len(outputs):
        return {}
    is_answered = np.asarray(~np.isnan(outputs).any(axis=1))
    known = np.where(is_answered[:, None], outputs, 0.0)
    found = slice_levels(
        known,
        dict(cells),
        reference.task_spec,
        reference.labels,
        weights=reference.decision_weights,
        names=reference.slices,
    )
    return {name: [str(one) for one in levels] for name, levels in found.items()}


def record_sums(reference: Reference, seen: SeenRecords) -> Callable[[slice], Sums]:
    """Give what the history adds up, of any part of the records."""
    ranks = reference_ranks(reference.of_records(), seen.values)
    answered = np.asarray(~np.isnan(seen.outputs).any(axis=1))
    task, weights = reference.task_spec, reference.decision_weights
    per_record: dict[str, Any] = {"members.n": ~np.isnan(seen.values), "members.value": np.nan_to_num(seen.values), "members.rank": np.nan_to_num(ranks)}  # fmt: skip
    if len(reference.labels):
        known = np.where(answered[:, None], seen.outputs, 0.0)
        per_record |= {"n_answered": answered[:, None], "outputs": known}
        if task.has_probabilities:
            decided = np.asarray(task.indicators(task.weigh(known, weights)), np.float64) * answered[:, None]
            per_record["decided"] = decided
        if len(reference.cells.centers):
            per_record["cells"] = reference.cells.counts(known) * answered[:, None]
        if len(reference.reliability):
            confidence = decided_probability(known, task, weights)
            per_record["calibrated"] = (calibrated(reference, confidence) * answered)[:, None]
            per_record["confidence"] = (confidence * answered)[:, None]

    def sums(part: slice) -> Sums:
        found = {name: np.asarray(one[part], np.float64).sum(axis=0) for name, one in per_record.items()}
        for block, projected in seen.projections.items():
            found |= moment_sums(projected[part], block)
        return found

    return sums


def reference_ranks(members: Sequence[Member], values: FloatArray) -> FloatArray:
    """The probability that a value of the reference is below each value, ties counted half, shape of `values`."""
    ranks = np.full(values.shape, np.nan)
    for column, member in enumerate(members):
        bins = bins_of(member.edges, values[:, column])
        n = max(int(member.counts.sum()), 1)
        middle = (np.cumsum(member.counts) - member.counts / 2) / n
        ranks[:, column] = np.where(bins < 0, np.nan, middle[np.maximum(bins, 0)])
    return ranks
