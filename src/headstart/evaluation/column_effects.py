"""Column effects: how much the answers of what ships move with each column of a table."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import numpy as np

from headstart.data.modalities import get_modality
from headstart.data.packed_columns import Categories, Numbers
from headstart.data.rows import Rows
from headstart.evaluation.columns_section import PROBABILITY, ColumnEffect, ColumnsSection

if TYPE_CHECKING:
    from collections.abc import Sequence

    from headstart.core.dataset import Dataset, Field, FloatArray, IntArray
    from headstart.core.model import Predictor

_MOST_ROWS, _FEWEST_ROWS = 400, 40
_MAX_SECONDS = 6.0
_N_CURVES = 6
_N_PLACES = 12  # of a number, at which a curve is drawn
_N_LEVELS = 8  # of a category, the most frequent ones


def column_effects(dataset: Dataset, index: IntArray, predictor: Predictor, *, seed: int) -> ColumnsSection | None:
    """Shuffle each column among some rows, and move it through its values; None for items that are no table.

    Both describe the model, not the world: a column that others tell as well moves little.

    Parameters
    ----------
    index : positions of the items to ask about, at most a few hundred of which are used

    References
    ----------
    Breiman, Random forests, 2001 (shuffling a column). Friedman, Greedy function approximation, 2001 (partial dependence).
    """
    fields = [field for field in dataset.fields if get_modality(field.modality).is_tabular]
    if len(dataset.fields) < 2 or not fields:
        return None
    rng = np.random.default_rng(seed)
    asked = _asked(dataset, rng.permutation(index)[:_MOST_ROWS], predictor, len(fields))
    if asked is None:
        return None
    rows = dataset.items_at(asked)
    assert isinstance(rows, Rows)
    before, order = predictor.predict(rows), rng.permutation(len(rows))
    moved = [
        _change(before, predictor.predict(_with(rows, field.name, rows.take(order).column(field.name))))
        for field in fields
    ]
    strongest = sorted(range(len(fields)), key=lambda i: -moved[i])
    drawn = [i for i in strongest[:_N_CURVES] if moved[i] > 0]
    effects = [
        ColumnEffect(
            name=fields[i].name,
            modality=fields[i].modality,
            missing=_share_missing(dataset.values_of(fields[i].name)),
            change=moved[i],
            is_time=get_modality(fields[i].modality).is_time,
            curve=tuple(_curve(rows, fields[i], predictor)) if i in drawn and _is_one_number(dataset) else (),
        )
        for i in strongest
    ]
    return ColumnsSection(columns=tuple(effects), answer=_answer(dataset), n_rows=len(rows))


def _asked(dataset: Dataset, index: IntArray, predictor: Predictor, n_columns: int) -> IntArray | None:
    """As many rows as there is time for, None if these are too few to say anything."""
    few = index[:_FEWEST_ROWS]
    started = time.perf_counter()
    predictor.predict(dataset.items_at(few))
    seconds_each = (time.perf_counter() - started) / max(len(few), 1)
    n_passes = n_columns + 1 + _N_CURVES * _N_PLACES
    n_rows = int(_MAX_SECONDS / (n_passes * max(seconds_each, 1e-9)))
    return None if n_rows < _FEWEST_ROWS else np.sort(index[:n_rows])


def _is_one_number(dataset: Dataset) -> bool:
    return dataset.targets.shape[1] <= 2 and not dataset.task_spec.is_multi_label


def _answer(dataset: Dataset) -> str:
    """What the curves are of."""
    return f"{PROBABILITY} {dataset.labels[-1]}" if dataset.task_spec.has_probabilities else dataset.labels[0]


def _with(rows: Rows, name: str, column: Sequence[Any]) -> Rows:
    return Rows({**rows.columns, name: column})


def _change(before: FloatArray, after: FloatArray) -> float:
    """The mean change of the answers: of probabilities half of what they differ by in all."""
    share = 0.5 if before.shape[1] > 1 else 1.0
    return float(share * np.abs(after - before).sum(axis=1).mean())


def _share_missing(column: Sequence[Any]) -> float:
    if isinstance(column, Numbers):
        return float(np.isnan(column.array).mean())
    return float((column.codes < 0).mean()) if isinstance(column, Categories) else 0.0


def _curve(rows: Rows, field: Field, predictor: Predictor) -> list[dict[str, Any]]:
    """The mean answer where the column has the same value in all rows, value by value."""
    column, n = rows.column(field.name), len(rows)
    made: list[tuple[float | str, Sequence[Any]]] = []
    if isinstance(column, Numbers):
        known = column.array[~np.isnan(column.array)]
        places = np.unique(np.quantile(known, np.linspace(0.02, 0.98, _N_PLACES))) if len(known) else ()
        made += [(float(place), Numbers(np.full(n, place))) for place in places]
    elif isinstance(column, Categories):
        counts = np.bincount(column.codes[column.codes >= 0], minlength=len(column.levels))
        often = [int(code) for code in np.argsort(-counts, kind="stable")[:_N_LEVELS] if counts[code]]
        made += [(column.levels[code], Categories(np.full(n, code, np.int32), column.levels)) for code in often]
    return [
        {"at": at, "value": float(predictor.predict(_with(rows, field.name, fixed))[:, -1].mean())}
        for at, fixed in made
    ]
