"""Linear models on sparse rows, with the penalty chosen on held-out groups."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from headstart.core.metric_sums import SMALLEST_PROBABILITY
from headstart.data.holdout import assign_folds

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from headstart.core.dataset import FloatArray, IntArray
    from headstart.core.tasks import TaskSpec

INVERSE_PENALTIES = (1.0, 10.0, 100.0)
N_FOLDS = 3
_MANY_ROWS = 3000  # above this, only one fold of three is held out: the choice is reliable enough
_JITTER = 1e-9
_MAX_STEPS, _TOLERANCE = 1000, 1e-4  # of the optimizer; probabilities are accurate to 0.005
_NEVER = 12.0  # nats by which a class without items is below the others

_Fit = tuple["FloatArray", "FloatArray"]


def fit_linear(
    rows: Any, targets: FloatArray, task: TaskSpec, groups: IntArray, seed: int
) -> tuple[FloatArray, FloatArray, str]:
    """Fit scores = rows @ coef + intercept: logistic regression for classes and labels, ridge for values.

    Parameters
    ----------
    rows : scipy CSR matrix, shape (n, d), rows of unit length or zero
    targets : shape (n, k)
    groups : shape (n,), kept whole in the folds that choose the penalty

    Returns
    -------
    coef (d, k), intercept (k,), and a note with the chosen penalty
    """
    fit = {"softmax": _fit_classes, "sigmoid": _fit_labels, "identity": _fit_values}[task.link]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a fit that did not converge still counts, by its score
        folds = _folds(groups, targets, seed)
        reduced, expand = _within_span(rows)
        chosen = _choose_penalty(reduced, targets, folds, task=task, fit=fit)
        coef, intercept = fit(reduced, targets, chosen)
    return expand(coef), intercept, f"C = {chosen:g}"


def _choose_penalty(
    rows: Any,
    targets: FloatArray,
    folds: Sequence[tuple[IntArray, IntArray]],
    *,
    task: TaskSpec,
    fit: Callable[[Any, FloatArray, float], _Fit],
) -> float:
    """The inverse penalty with the lowest held-out loss; the middle one if nothing can be held out."""
    if not folds:
        return INVERSE_PENALTIES[1]
    losses = np.zeros(len(INVERSE_PENALTIES))
    for train, test in folds:
        for i, strength in enumerate(INVERSE_PENALTIES):
            coef, intercept = fit(rows[train], targets[train], strength)
            outputs = task.outputs(rows[test] @ coef + intercept)
            losses[i] += task.losses(outputs, targets[test], min_probability=SMALLEST_PROBABILITY).sum()
    return INVERSE_PENALTIES[int(losses.argmin())]


def _within_span(rows: Any) -> tuple[Any, Callable[[FloatArray], FloatArray]]:
    """Replace few rows of many columns by a triangular matrix with the same inner products.

    A penalized linear solution lies in the span of the rows, so n unknowns per class replace tens of thousands: the Cholesky
    factor of the Gram matrix replaces the rows in every fit, and the solution is mapped back once.

    Returns
    -------
    the rows or the factor (n, n), and a function that maps a solution on it, (n, k), to the original columns, (d, k)
    """
    n = rows.shape[0]
    if n > _MANY_ROWS or n >= rows.shape[1]:
        return rows, lambda coef: coef
    from scipy.linalg import cholesky, solve_triangular

    rows = rows.astype(np.float64)  # in single precision, rounding would leave negative eigenvalues
    products = (rows @ rows.T).toarray()
    products[np.diag_indices(n)] += _JITTER  # equal texts make it singular
    factor = cholesky(products, lower=True)
    return factor, lambda coef: np.asarray(rows.T @ solve_triangular(factor, coef, lower=True, trans="T"))


def _folds(groups: IntArray, targets: FloatArray, seed: int) -> list[tuple[IntArray, IntArray]]:
    """Positions (train, test) of each fold that is used."""
    if len(np.unique(groups)) < N_FOLDS:
        return []
    folds = assign_folds(groups, targets, N_FOLDS, seed)
    used = range(1 if len(targets) > _MANY_ROWS else N_FOLDS)
    return [(np.flatnonzero(folds != fold), np.flatnonzero(folds == fold)) for fold in used]


def _fit_classes(rows: Any, targets: FloatArray, strength: float) -> _Fit:
    codes = targets.argmax(axis=1)
    present = np.unique(codes)
    coef = np.zeros((rows.shape[1], targets.shape[1]))
    intercept = np.zeros(targets.shape[1])
    if len(present) == 2:
        coef[:, present[1:]], intercept[present[1]] = _fit_binary(rows, codes == present[1], strength)
    elif len(present) > 2:
        from sklearn.linear_model import LogisticRegression

        # on 10,000 texts of 8 classes it takes a third of the time of L-BFGS, without its 80 MiB of history
        model = LogisticRegression(solver="newton-cg", C=strength, max_iter=_MAX_STEPS, tol=_TOLERANCE)
        model.fit(rows, codes)
        coef[:, present], intercept[present] = model.coef_.T, model.intercept_
    intercept[np.setdiff1d(np.arange(len(intercept)), present)] = intercept[present].min() - _NEVER
    return coef, intercept


def _fit_labels(rows: Any, targets: FloatArray, strength: float) -> _Fit:
    fits = [_fit_binary(rows, column > 0.5, strength) for column in targets.T]
    return np.hstack([coef for coef, _ in fits]), np.array([intercept for _, intercept in fits])


def _fit_binary(rows: Any, positive: Any, strength: float) -> tuple[FloatArray, float]:
    from sklearn.linear_model import LogisticRegression

    n_positive = int(positive.sum())
    if n_positive in (0, len(positive)):  # nothing to learn: the smoothed frequency
        return np.zeros((rows.shape[1], 1)), float(np.log((n_positive + 0.5) / (len(positive) - n_positive + 0.5)))
    model = LogisticRegression(C=strength, max_iter=_MAX_STEPS, tol=_TOLERANCE).fit(rows, positive)
    return model.coef_.T, float(model.intercept_[0])


def _fit_values(rows: Any, targets: FloatArray, strength: float) -> _Fit:
    from sklearn.linear_model import Ridge

    if not np.ptp(targets):
        return np.zeros((rows.shape[1], targets.shape[1])), targets.mean(axis=0)
    # rows have unit length, so penalties from 0.1 to 10 span what is sensible
    model = Ridge(alpha=10 / strength, solver="lsqr", tol=1e-8).fit(rows, targets)
    return np.reshape(model.coef_, (targets.shape[1], -1)).T, np.reshape(model.intercept_, -1)
