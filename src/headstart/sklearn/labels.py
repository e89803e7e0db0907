"""Labels for scikit-learn estimators: what is wrong with y, in the words of its cells."""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from typing import Any

import numpy as np

from headstart.data.labels import merge_spellings
from headstart.data.values import is_blank

_SETS = (list, tuple, set, frozenset, np.ndarray)


def check_labels(y: Any) -> None:
    """Refuse cells without a label and lists of names, and warn of spellings that are one label wherever else Headstart reads them.

    Numbers are left to scikit-learn, which takes equal values as equal labels.

    Raises
    ------
    ValueError
        A cell is missing or blank, or holds several labels by name.
    """
    if not isinstance(y, Iterable) or getattr(y, "ndim", 1) != 1:
        return
    cells = list(y)
    if any(isinstance(cell, _SETS) for cell in cells):
        _check_sets([cell for cell in cells if isinstance(cell, _SETS)])
        return
    if not any(cell is None or isinstance(cell, str) for cell in cells):
        return
    missing = next((place for place, cell in enumerate(cells) if is_blank(cell)), None)
    if missing is not None:
        raise ValueError(f"y[{missing}] is {cells[missing]!r}: no label. Leave the item out of X and y.")
    for notice in merge_spellings([str(cell) for cell in cells], "y")[1]:
        shown = ", ".join(map(repr, notice.where))
        warnings.warn(
            f"y holds {shown}: one label to headstart.fit, but as many classes here, as everywhere in scikit-learn. "
            "Write them alike if they are one.",
            stacklevel=3,
        )


def _check_sets(sets: list[Any]) -> None:
    """Lists of 0 and 1, all of one length, are indicators; anything else is for a binarizer."""
    if len({len(one) for one in sets}) > 1 or any(isinstance(label, str) for one in sets for label in one):
        raise ValueError(
            "y holds lists of labels; scikit-learn takes indicators of 0 and 1. Make them with "
            "sklearn.preprocessing.MultiLabelBinarizer().fit_transform(y)."
        )
