"""Seeing: what a watch needs of records and their answers is computed, and nothing is counted yet."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from headstart.core.errors import DataError, UserError
from headstart.data.packed_sequence import PackedSequence
from headstart.monitoring.sums import record_values

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from headstart.core.arrays import FloatArray
    from headstart.monitoring.reference import Reference
    from headstart.monitoring.sums import SeenRecords
    from headstart.streaming.record import Record

    FeaturesOf = Callable[[Sequence[Any]], FloatArray]


def see(
    reference: Reference,
    records: Sequence[Record | None] | None,
    items: Sequence[Any] | None,
    outputs: Any,
    *,
    features_of: FeaturesOf | None,
) -> SeenRecords:
    """Look at records, in any process; arguments and errors as for `Monitor` and its `observe`."""
    n_given = 0 if items is None else len(items)
    records, items, outputs = _readable(records, items, outputs)
    n_items = None if items is None else len(items)
    rows = _rows(len(reference.labels), outputs, n_items, None if records is None else len(records))
    return record_values(
        reference,
        items,
        rows,
        _features(features_of, items),
        keys=[] if records is None else ["" if one is None else one.key for one in records],
        times=[] if records is None else [None if one is None else one.time for one in records],
        n_unreadable=n_given - (n_items or 0),
    )


def _readable(
    records: Sequence[Record | None] | None, items: Sequence[Any] | None, outputs: Any
) -> tuple[Sequence[Record | None] | None, Sequence[Any] | None, Any]:
    """Leave out records that could not be read."""
    if items is None or isinstance(items, PackedSequence):
        return records, items, outputs
    kept = [i for i, item in enumerate(items) if not isinstance(item, UserError)]
    if len(kept) == len(items):
        return records, items, outputs
    return (
        None if records is None else [records[i] for i in kept],
        [items[i] for i in kept],
        None if outputs is None else [outputs[i] for i in kept],
    )


def _features(features_of: FeaturesOf | None, items: Sequence[Any] | None) -> FloatArray | None:
    if features_of is None or items is None or not len(items):
        return None
    try:
        return features_of(items)
    except UserError:  # an item that cannot be read has no answer either, and is counted there
        return None


def _rows(k: int, outputs: Any, n_items: int | None, n_records: int | None) -> FloatArray:
    n = n_items if n_items is not None else n_records
    if outputs is None:
        return np.full((n or 0, max(k, 1)), np.nan)
    nothing = np.full(k, np.nan)
    listed = outputs if isinstance(outputs, np.ndarray) else [nothing if row is None else row for row in outputs]
    rows = np.asarray(listed, np.float64).reshape(len(listed), -1 if len(listed) else max(k, 1))
    counts = {len(rows), *(one for one in (n_items, n_records) if one is not None)}
    if len(counts) > 1:
        raise DataError(f"as many outputs as records are needed, got {' and '.join(map(str, sorted(counts)))}.")
    if len(rows) and rows.shape[1] != k:
        raise DataError(
            f"the reference knows {k} labels, and the outputs have {rows.shape[1]} columns. Take the bundle's own outputs."
        )
    return rows
