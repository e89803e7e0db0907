"""Predict for many items: batches of like size, so that little padding is computed, prepared and run side by side."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from headstart.core.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence

    from headstart.core.dataset import FloatArray, IntArray
    from headstart.data.modalities import Modality
    from headstart.engines.context import RunContext

BATCH_SIZE = 16


@dataclass(frozen=True)
class Rows:
    """One row for each item that can be read, and the errors of the others by position.

    `values` has shape (n, width), float32; the rows of unreadable items are NaN.
    """

    values: FloatArray
    errors: dict[int, UserError]


def batches_of(items: Sequence[Any], modality: Modality, *, without: Collection[int] = ()) -> list[IntArray]:
    """Cut the positions of items into batches of like size, the largest first; within a size in the order of the items.

    Parameters
    ----------
    without : positions of items that cannot be read
    """
    if len(items) == 1 and not without:
        return [np.zeros(1, np.int64)]
    readable = np.array([place for place in range(len(items)) if place not in without], dtype=np.int64)
    sizes = np.array([modality.size(items[place]) for place in readable], dtype=np.int64)
    by_size = np.argsort(-sizes, kind="stable")
    order: IntArray = readable[by_size]
    sizes = sizes[by_size]
    batches: list[IntArray] = []
    start = 0
    while start < len(order):
        end = start + max(1, min(BATCH_SIZE, modality.most_together(int(sizes[start]))))
        batches.append(order[start:end])
        start = end
    return batches


def run_batches(
    items: Sequence[Any],
    batches: Sequence[IntArray],
    run: Callable[[Sequence[Any]], FloatArray],
    *,
    width: int,
    context: RunContext,
    keeps_errors: bool,
) -> Rows:
    """Run each batch where the executor decides, and put the rows in the order of the items; those in no batch stay NaN.

    Parameters
    ----------
    width : of the rows where not one item can be read
    run : gives rows (m, width) for items; raises a `UserError` where one cannot be read
    keeps_errors : whether an unreadable item is kept as its error; otherwise the error is raised
    """
    values: FloatArray | None = None  # made when the first rows say how wide they are
    errors: dict[int, UserError] = {}

    def compute(positions: IntArray) -> list[tuple[IntArray, FloatArray | UserError]]:
        return list(_rows(items, positions, run, keeps_errors=keeps_errors))

    with (
        context.progress("predicting", sum(map(len, batches))) as steps,
        closing(context.map(compute, batches)) as computed,
    ):
        for found in computed:
            for positions, rows in found:
                if isinstance(rows, UserError):
                    errors[int(positions[0])] = rows
                else:
                    if values is None:
                        values = np.full((len(items), rows.shape[1]), np.nan, dtype=np.float32)
                    values[positions] = rows
                steps.advance(len(positions))
    return Rows(np.full((len(items), width), np.nan, dtype=np.float32) if values is None else values, errors)


def _rows(
    items: Sequence[Any], positions: IntArray, run: Callable[[Sequence[Any]], FloatArray], *, keeps_errors: bool
) -> Iterator[tuple[IntArray, FloatArray | UserError]]:
    """Rows of a batch; where an item cannot be read, those of each item alone."""
    try:
        rows = run([items[i] for i in positions])
    except UserError as error:
        if not keeps_errors:
            raise
        if len(positions) == 1:
            yield positions, error
            return
    else:
        yield positions, rows
        return
    for i in range(len(positions)):
        yield from _rows(items, positions[i : i + 1], run, keeps_errors=True)
