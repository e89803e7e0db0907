"""Linear models on rows of many columns; loss and penalty are chosen on held-out groups, whose scores also calibrate the probabilities."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from headstart.data.holdout import assign_folds
from headstart.engines.threads import limit, n_threads
from headstart.evaluation import linear_losses
from headstart.heads.calibration import Calibration, fit_calibration

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from headstart.core.dataset import FloatArray, IntArray
    from headstart.core.tasks import TaskSpec
    from headstart.evaluation.linear_losses import Fit

N_FOLDS = 3
_FEW_ROWS = 1000  # up to here more threads than one cost more than they bring, and all folds are held out, not only one
_MANY_ROWS = 3000  # above this, sparse rows stay sparse, and only the SVM is fitted
_JITTER = 1e-9
NEVER = 12.0  # nats by which a class without items is below the others

LOGISTIC, _SVM, RIDGE = "logistic regression", "linear SVM", "ridge"
_LOSSES = {"softmax": linear_losses.softmax_loss, "sigmoid": linear_losses.sigmoid_loss}


@dataclass(frozen=True)
class Candidate:
    """A loss and an inverse penalty C, as in scikit-learn."""

    loss: str
    inverse_penalty: float

    def __str__(self) -> str:
        return f"{self.loss}, C = {self.inverse_penalty:g}"


_CLASSIFIERS = tuple(Candidate(LOGISTIC, c) for c in (10.0, 100.0, 1000.0)) + tuple(
    Candidate(_SVM, c) for c in (0.1, 1.0, 10.0)
)
_SPARSE_CLASSIFIERS = _CLASSIFIERS[-3:]
_REGRESSORS = tuple(Candidate(RIDGE, c) for c in (0.1, 1.0, 10.0))


@dataclass(frozen=True, kw_only=True)
class LinearFit:
    """A linear model: scores = rows @ coef + intercept.

    Attributes
    ----------
    coef, intercept : shape (d, k) and (k,)
    held_out : positions of the items that were held out, shape (n_held_out,); none where there are too few groups
    scores : of these, calibrated, each by a fit without its fold, shape (n_held_out, k)
    note : what was chosen
    """

    coef: FloatArray
    intercept: FloatArray
    held_out: IntArray
    scores: FloatArray
    note: str


def fit_linear(
    rows: Any,
    targets: FloatArray,
    task: TaskSpec,
    groups: IntArray,
    seed: int,
    *,
    inverse_penalties: Sequence[float] | None = None,
) -> LinearFit:
    """Fit logistic regression or a linear SVM to classes and labels, ridge to values.

    Parameters
    ----------
    rows : scipy CSR matrix or array, shape (n, d), blocks of about unit length side by side
    targets : shape (n, k)
    groups : shape (n,), kept whole in the folds that choose
    inverse_penalties : of logistic regression and ridge, which are then all that is tried where rows are not sparse
    """
    folds = grouped_folds(groups, targets, seed)
    reduced, expand = within_span(rows)
    with limit(1 if len(targets) <= _FEW_ROWS else n_threads()):
        candidates = _candidates(reduced, task, inverse_penalties)
        chosen, calibration, held_out, scores = _choose(reduced, targets, folds, task, candidates)
        coef, intercept = fit_candidate(reduced, targets, chosen, task)
    coef, intercept = expand(coef * calibration.slope), intercept * calibration.slope + calibration.intercept
    coef, intercept = without_unseen(coef, intercept, targets, task)
    return LinearFit(coef=coef, intercept=intercept, held_out=held_out, scores=scores, note=str(chosen))


def without_unseen(coef: FloatArray, intercept: FloatArray, targets: FloatArray, task: TaskSpec) -> Fit:
    """The same model, which all but excludes classes without items."""
    if not task.is_single_label:
        return coef, intercept
    seen = targets.any(axis=0)
    return np.where(seen, coef, 0.0), np.where(seen, intercept, intercept[seen].min(initial=0.0) - NEVER)


def _choose(
    rows: Any,
    targets: FloatArray,
    folds: Sequence[tuple[IntArray, IntArray]],
    task: TaskSpec,
    candidates: Sequence[Candidate],
) -> tuple[Candidate, Calibration, IntArray, FloatArray]:
    """The candidate whose calibrated held-out scores have the lowest loss, and these; a middle one if nothing can be held out."""
    if not folds:
        unchanged = Calibration(slope=1.0, intercept=np.zeros(targets.shape[1]), loss=float("nan"))
        return candidates[1], unchanged, np.empty(0, np.int64), np.empty((0, targets.shape[1]))
    scores = {candidate: np.zeros(targets.shape) for candidate in candidates}
    for train, test in folds:
        last: dict[str, Fit] = {}  # the fit of the next larger penalty is a good start
        for candidate in candidates:
            fit = fit_candidate(rows[train], targets[train], candidate, task, last.get(candidate.loss))
            last[candidate.loss] = fit
            scores[candidate][test] = rows[test] @ fit[0] + fit[1]
    held_out = np.concatenate([test for _, test in folds])
    calibrations = {
        candidate: fit_calibration(found[held_out], targets[held_out], task) for candidate, found in scores.items()
    }
    chosen = min(candidates, key=lambda candidate: calibrations[candidate].loss)
    best = calibrations[chosen]
    return chosen, best, held_out, best.slope * scores[chosen][held_out] + best.intercept


def _candidates(rows: Any, task: TaskSpec, inverse_penalties: Sequence[float] | None) -> tuple[Candidate, ...]:
    if task.has_probabilities and not isinstance(rows, np.ndarray):
        return _SPARSE_CLASSIFIERS
    if inverse_penalties is not None:
        loss = LOGISTIC if task.has_probabilities else RIDGE
        return tuple(Candidate(loss, c) for c in inverse_penalties)
    return _CLASSIFIERS if task.has_probabilities else _REGRESSORS


def fit_candidate(
    rows: Any, targets: FloatArray, candidate: Candidate, task: TaskSpec, start: Fit | None = None
) -> Fit:
    """Fit one loss with one penalty; `start` is the fit of a like one."""
    if candidate.loss == RIDGE:
        return linear_losses.fit_ridge(rows, targets, candidate.inverse_penalty)
    if not isinstance(rows, np.ndarray):
        return linear_losses.fit_svm(rows, targets, candidate.inverse_penalty)
    loss = _LOSSES[task.link] if candidate.loss == LOGISTIC else linear_losses.squared_hinge_loss
    return linear_losses.fit_smooth(rows, targets, candidate.inverse_penalty, loss, start)


def within_span(rows: Any) -> tuple[Any, Callable[[FloatArray], FloatArray]]:
    """Replace few rows of many columns by a triangular matrix with the same inner products.

    A penalized linear solution lies in the span of the rows, so n unknowns per class replace tens of thousands: the Cholesky
    factor of the Gram matrix replaces the rows in every fit, and the solution is mapped back once.

    Returns
    -------
    the rows, dense if they are few, or the factor (n, n), and a function that maps a solution on it, (n, k), to the original
    columns, (d, k)
    """
    n, is_dense = rows.shape[0], isinstance(rows, np.ndarray)
    if n > _MANY_ROWS and not is_dense:
        return rows, lambda coef: coef
    rows = rows.astype(np.float64)  # in single precision, rounding would leave negative eigenvalues
    if n >= rows.shape[1]:
        return rows if is_dense else rows.toarray(), lambda coef: coef
    from scipy.linalg import cholesky, solve_triangular

    products = rows @ rows.T if is_dense else (rows @ rows.T).toarray()
    products[np.diag_indices(n)] += _JITTER  # equal texts make it singular
    factor = cholesky(products, lower=True)
    return factor, lambda coef: np.asarray(rows.T @ solve_triangular(factor, coef, lower=True, trans="T"))


def grouped_folds(groups: IntArray, targets: FloatArray, seed: int) -> list[tuple[IntArray, IntArray]]:
    """Positions (train, test) of each fold that is used: of many rows one, which is enough for a reliable choice."""
    if len(np.unique(groups)) < N_FOLDS:
        return []
    folds = assign_folds(groups, targets, N_FOLDS, seed)
    used = range(1 if len(targets) > _FEW_ROWS else N_FOLDS)
    return [(np.flatnonzero(folds != fold), np.flatnonzero(folds == fold)) for fold in used]
