"""Targets in the order of the labels that a model knows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from headstart.core.dataset import Notice
from headstart.core.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from headstart.core.dataset import FloatArray

_N_LISTED = 100
_N_NAMED = 12


def in_known_order(
    matrix: FloatArray,
    labels: Sequence[str],
    known: tuple[str, ...],
    ids: Sequence[str],
    *,
    name: str,
    notices: tuple[Notice, ...] = (),
) -> tuple[FloatArray, tuple[str, ...], tuple[Notice, ...]]:
    """Put the columns of indicators, shape (n, k), into the model's order; behind them those of labels that it does not know.

    Parameters
    ----------
    labels : of the columns
    known : the model's; the columns stay as they are if it is empty
    ids, name : of the rows and the target column, for messages
    notices : those so far

    Returns
    -------
    The indicators, shape (n, k + unknown ones), their labels, and the notices with one for each unknown label.

    Raises
    ------
    DataError
        There are labels, and it knows none of them.

    >>> in_known_order(np.eye(2), ("new", "plum"), ("kiwi", "plum"), ["row 1", "row 2"], name="label")[:2]
    (array([[0., 0., 1.],
           [0., 1., 0.]]), ('kiwi', 'plum', 'new'))
    """
    if not known:
        return matrix, tuple(labels), notices
    place = {label: column for column, label in enumerate(labels)}
    unseen = tuple(label for label in labels if label not in known and matrix[:, place[label]].any())
    if unseen and not any(label in place for label in known):
        raise DataError(
            f"'{name}' has none of the labels that the model knows: {_listed(known)}. It holds {_listed(unseen)}. Choose "
            "another column with --target, or write the labels as the model knows them."
        )
    ordered = np.zeros((len(matrix), len(known) + len(unseen)))
    for column, label in enumerate((*known, *unseen)):
        if label in place:
            ordered[:, column] = matrix[:, place[label]]
    return ordered, (*known, *unseen), (*notices, *_unseen_notices(ordered, known, unseen, ids))


def _unseen_notices(
    ordered: FloatArray, known: Sequence[str], unseen: Sequence[str], ids: Sequence[str]
) -> tuple[Notice, ...]:
    notices = []
    for column, label in enumerate(unseen, start=len(known)):
        rows = np.flatnonzero(ordered[:, column])
        where = tuple(ids[row] for row in rows[:_N_LISTED])
        count = "1 item has" if len(rows) == 1 else f"{len(rows)} items have"
        message = (
            f"{count} the label '{label}', which the model was not trained on and so never predicts, the first "
            f"{where[0]}: counted as wrong; means over labels are over those that it knows, {_listed(known)}."
        )
        notices.append(Notice(kind="unseen-label", message=message, where=where))
    return tuple(notices)


def _listed(labels: Sequence[str]) -> str:
    shown = ", ".join(f"'{label}'" for label in labels[:_N_NAMED])
    return shown + (f" and {len(labels) - _N_NAMED} more" if len(labels) > _N_NAMED else "")
