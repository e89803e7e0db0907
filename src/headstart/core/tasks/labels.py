"""What tasks with named labels share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from headstart.core.arrays import FloatArray


def most_likely(row: FloatArray, labels: Sequence[str], top: int) -> tuple[tuple[str, float], ...]:
    """The `top` most likely labels and their probabilities, best first; at least one.

    Parameters
    ----------
    row : shape (k,)
    """
    order = np.argsort(-row, kind="stable")
    return tuple((labels[i], round(float(row[i]), 6)) for i in order[: max(top, 1)])
