"""Columns of a table in little memory: numbers as one array, categories as codes of their levels."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from headstart.data.packed_sequence import PackedSequence

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from headstart.core.dataset import FloatArray, IntArray

MISSING_CODE = -1


class Numbers(PackedSequence[float]):
    """Floats, NaN where one is missing.

    Parameters
    ----------
    array : shape (n,), float64

    >>> Numbers(np.array([1.5, np.nan]))[0], len(Numbers(np.arange(3.0)).take([0, 2]))
    (1.5, 2)
    """

    def __init__(self, array: FloatArray) -> None:
        self.array: FloatArray = np.asarray(array, np.float64)

    def __len__(self) -> int:
        return len(self.array)

    def _value(self, position: int) -> float:
        return float(self.array[position])

    def _part(self, chosen: slice | IntArray) -> Numbers:
        return Numbers(self.array[chosen])


class Categories(PackedSequence[str]):
    """Strings of which many are equal, '' where one is missing.

    Parameters
    ----------
    codes : shape (n,), places in `levels`, -1 where one is missing
    levels : the distinct strings

    >>> column = Categories.of(["red", "", "blue", "red"])
    >>> column[0], column[1], column.levels, column.codes.tolist()
    ('red', '', ('red', 'blue'), [0, -1, 1, 0])
    """

    def __init__(self, codes: NDArray[np.int32], levels: Sequence[str]) -> None:
        self.codes: NDArray[np.int32] = np.asarray(codes, np.int32)
        self.levels = tuple(levels)

    @classmethod
    def of(cls, values: Iterable[str]) -> Categories:
        """Code strings, levels in the order in which they come."""
        places: dict[str, int] = {}
        codes = [places.setdefault(value, len(places)) if value else MISSING_CODE for value in values]
        return cls(np.array(codes, np.int32), tuple(places))

    def __len__(self) -> int:
        return len(self.codes)

    def _value(self, position: int) -> str:
        code = int(self.codes[position])
        return "" if code == MISSING_CODE else self.levels[code]

    def _part(self, chosen: slice | IntArray) -> Categories:
        return Categories(self.codes[chosen], self.levels)
