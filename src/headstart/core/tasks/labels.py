"""What tasks with named labels share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from headstart.core.arrays import FloatArray, IntArray


def most_likely(
    row: FloatArray, labels: Sequence[str], top: int, order: IntArray | None = None
) -> tuple[tuple[str, float], ...]:
    """The `top` most likely labels and their probabilities, best first; at least one.

    Parameters
    ----------
    row : shape (k,)
    order : the positions of the labels, the most likely first, where they are known already
    """
    best = (np.argsort(-row, kind="stable") if order is None else order)[: max(top, 1)]
    # lists: taking numbers out of an array one by one is what a short answer would spend its time on
    return tuple((labels[i], round(value, 6)) for i, value in zip(best.tolist(), row[best].tolist(), strict=True))
