"""Cells: the space of outputs in some tens of parts, so that the likelihood of any shares of the labels follows from counts alone."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from headstart.heads.calibration import fit_calibration

if TYPE_CHECKING:
    from headstart.core.arrays import FloatArray, IntArray
    from headstart.core.tasks import TaskSpec

_PER_LABEL, _MAX_CELLS = 20, 100
_MIN_IN_CELL = 10  # items, on average
_MIN_PROBABILITY = 1e-6
_MIN_SHARE = 1e-9  # of the items of a label in a cell
_N_STEPS = 20


@dataclass(frozen=True, kw_only=True, eq=False)
class OutputCells:
    """Parts of the space of outputs, and how the items of each label lie in them.

    Attributes
    ----------
    centers : shape (c, k): an output is in the cell whose center is nearest; no cells where nothing is known of them
    given_label : shape (c, k): the share of a label's items that lies in each cell; columns of sum 1
    """

    centers: FloatArray = field(default_factory=lambda: np.zeros((0, 0)))
    given_label: FloatArray = field(default_factory=lambda: np.zeros((0, 0)))

    def counts(self, outputs: FloatArray) -> FloatArray:
        """One for the cell of each output, and zeros, shape (n, c)."""
        return np.eye(len(self.centers))[_nearest(self.centers, outputs)]


def find_cells(outputs: FloatArray, targets: FloatArray, task: TaskSpec) -> OutputCells:
    """Divide held-out outputs (n, k) into cells; none where there are too few items to tell the labels apart by them.

    An item counts for each label by its calibrated probability, not by the label that it happens to have, which varies less.
    """
    k = targets.shape[1]
    n_cells = min(_PER_LABEL * k, max(_MAX_CELLS, 2 * k), len(outputs) // _MIN_IN_CELL)
    if n_cells < k or not targets.sum(axis=0).all():
        return OutputCells()
    centers = _centers(np.asarray(outputs, np.float64), n_cells)
    if len(centers) < k:
        return OutputCells()
    logits = np.log(np.maximum(outputs, _MIN_PROBABILITY))
    calibrated = fit_calibration(logits, targets, task).outputs(logits, task)
    in_cell = np.eye(len(centers))[_nearest(centers, outputs)].T @ calibrated + _MIN_SHARE
    return OutputCells(centers=centers, given_label=in_cell / in_cell.sum(axis=0))


def _centers(outputs: FloatArray, n_cells: int) -> FloatArray:
    """Centers by k-means, begun at outputs that are all different, shape (at most n_cells, k)."""
    different = np.unique(outputs, axis=0)
    chosen = np.random.default_rng(0).permutation(len(different))[:n_cells]
    centers = different[np.sort(chosen)]
    for _ in range(_N_STEPS):
        is_in = np.eye(len(centers))[_nearest(centers, outputs)]
        sizes = is_in.sum(axis=0)
        centers = (is_in.T @ outputs)[sizes > 0] / sizes[sizes > 0, None]
    return centers


def _nearest(centers: FloatArray, outputs: FloatArray) -> IntArray:
    """The cell of each output, shape (n,)."""
    distances = (centers**2).sum(axis=1) - 2 * np.asarray(outputs, np.float64) @ centers.T
    return np.asarray(distances.argmin(axis=1))


def likeliest_shares(
    given_label: FloatArray, counts: FloatArray, *, start: FloatArray, n_steps: int = 1000
) -> FloatArray:
    """The shares of the labels under which the counts of the cells are most likely, by expectation and maximization.

    Parameters
    ----------
    given_label : shape (…, c, k); counts : shape (…, c); start : shape (k,), all above 0

    Returns
    -------
    shape (…, k)

    References
    ----------
    Saerens, Latinne and Decaestecker, Adjusting the outputs of a classifier to new a priori probabilities, 2002.

    >>> likeliest_shares(np.array([[0.9, 0.2], [0.1, 0.8]]), np.array([55.0, 45.0]), start=np.array([0.1, 0.9])).round(3)
    array([0.5, 0.5])
    """
    weights = counts / counts.sum(axis=-1, keepdims=True)
    shares = np.broadcast_to(start, (*counts.shape[:-1], len(start)))
    for _ in range(n_steps):
        mixed = (given_label @ shares[..., None])[..., 0]  # (…, c)
        after = shares * ((weights / np.maximum(mixed, 1e-300))[..., None, :] @ given_label)[..., 0, :]
        if float(np.abs(after - shares).max()) < 1e-6:
            return np.asarray(after)
        shares = after
    return np.asarray(shares)
