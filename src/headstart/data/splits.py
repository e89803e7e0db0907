"""Recognise a division into train, validation and test that the user made."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from headstart.core.errors import DataError
from headstart.data.values import is_missing

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from headstart.core.dataset import Split

SPLIT_WORDS: dict[str, Split] = {
    "train": "train", "training": "train",
    "val": "validation", "valid": "validation", "validation": "validation", "dev": "validation",
    "test": "test", "testing": "test",
}  # fmt: skip
_COLUMN_NAMES = frozenset({"split", "subset", "partition", "fold"})


def split_of(word: str) -> Split | None:
    """Read a folder's or a cell's word; None if it names no split.

    >>> split_of("Valid"), split_of("kiwi")
    ('validation', None)
    """
    return SPLIT_WORDS.get(word.strip().casefold())


def is_split_column(name: str, cells: Sequence[Any]) -> bool:
    """Whether a column is called like a split and holds only words for splits."""
    present = [cell for cell in cells if not is_missing(cell)]
    return (
        name.strip().casefold() in _COLUMN_NAMES
        and bool(present)
        and all(isinstance(cell, str) and split_of(cell) is not None for cell in present)
    )


def parse_splits(cells: Sequence[Any], ids: Sequence[str], column: str) -> NDArray[np.str_]:
    """Turn a column of words into splits; a blank one is for training.

    Returns
    -------
    shape (n,): 'train', 'validation' or 'test'.

    Raises
    ------
    DataError
        A cell holds another word.
    """
    found: list[str] = []
    for place, cell in enumerate(cells):
        split = "train" if is_missing(cell) else split_of(str(cell))
        if split is None:
            raise DataError(
                f"{ids[place]}: column '{column}' holds '{cell}'; 'train', 'validation' or 'test' was expected. "
                "Correct it or rename the column."
            )
        found.append(split)
    return np.array(found, dtype="<U10")
