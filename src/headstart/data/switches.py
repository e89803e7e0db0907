"""Target columns of 0 and 1, one a label."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from headstart.core.errors import DataError
from headstart.data.values import is_missing, label_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from headstart.core.arrays import FloatArray


def read_switches(columns: Mapping[str, Sequence[Any]], ids: Sequence[str]) -> FloatArray:
    """Read columns of 0 and 1, true and false, or yes and no, shape (n, k); NaN where a cell is missing.

    Raises
    ------
    DataError
        A cell holds something else; the message names its row.

    >>> read_switches({"red": [1, "no"], "sweet": [True, None]}, ["row 1", "row 2"])
    array([[ 1.,  1.],
           [ 0., nan]])
    """
    return np.stack([_column(cells, ids, name) for name, cells in columns.items()], axis=1)


def _column(cells: Sequence[Any], ids: Sequence[str], name: str) -> FloatArray:
    meaning: dict[str, float] = {"0": 0.0, "1": 1.0, "false": 0.0, "true": 1.0, "no": 0.0, "yes": 1.0}
    value_of = {cell: np.nan if is_missing(cell) else meaning.get(label_of(cell).casefold()) for cell in set(cells)}
    for place, cell in enumerate(cells):
        if value_of[cell] is None:
            raise DataError(
                f"{ids[place]}: column '{name}' holds '{str(cell)[:40]}'; with several target columns each holds 0 or 1. "
                "Correct it or leave the column out of --target."
            )
    return np.array([value_of[cell] for cell in cells], dtype=np.float64)
