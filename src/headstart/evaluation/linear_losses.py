"""Linear models by their loss: logistic regression, linear SVM, ridge; all with an L2 penalty of 1 / C.

Fan et al., LIBLINEAR: a library for large linear classification, JMLR 2008 (the squared hinge loss).
"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from headstart.core.dataset import FloatArray

_INTERCEPT_PENALTY = 1e-2  # relative to that of the coefficients; bounds the intercept of a class without items
_MAX_STEPS = 200
_TOLERANCE = 1e-7  # of the mean loss from one step to the next

Fit = tuple["FloatArray", "FloatArray"]
"""coef (d, k) and intercept (k,)."""


def softmax_loss(scores: FloatArray, targets: FloatArray) -> tuple[float, FloatArray]:
    """Cross-entropy of one class an item: the sum, and its gradient."""
    shifted = scores - scores.max(axis=1, keepdims=True)
    exponentials = np.exp(shifted)
    totals = exponentials.sum(axis=1, keepdims=True)
    return float(np.log(totals).sum() - np.sum(shifted * targets)), exponentials / totals - targets


def sigmoid_loss(scores: FloatArray, targets: FloatArray) -> tuple[float, FloatArray]:
    """Cross-entropy of each label by itself: the sum, and its gradient."""
    probabilities = 0.5 * (1 + np.tanh(0.5 * scores))
    return float((np.logaddexp(0, scores) - scores * targets).sum()), probabilities - targets


def squared_hinge_loss(scores: FloatArray, targets: FloatArray) -> tuple[float, FloatArray]:
    """Squared hinge loss of each class against the rest: the sum, and its gradient."""
    signs = 2 * targets - 1
    margin = np.maximum(0, 1 - signs * scores)
    return float(np.sum(margin * margin)), -2 * signs * margin


def fit_smooth(rows: FloatArray, targets: FloatArray, inverse_penalty: float, loss: Any, start: Fit | None) -> Fit:
    """Minimize a loss on dense rows (n, d) by L-BFGS, from a given start."""
    from scipy.optimize import minimize

    n, (d, k) = len(rows), (rows.shape[1], targets.shape[1])
    weight = 1 / (inverse_penalty * n)

    def objective(theta: FloatArray) -> tuple[float, FloatArray]:
        coef, intercept = theta[: d * k].reshape(d, k), theta[d * k :]
        value, slopes = loss(rows @ coef + intercept, targets)
        slopes /= n
        penalty = 0.5 * weight * (np.vdot(coef, coef) + _INTERCEPT_PENALTY * np.vdot(intercept, intercept))
        by_intercept = slopes.sum(axis=0) + weight * _INTERCEPT_PENALTY * intercept
        return value / n + float(penalty), np.concatenate([(rows.T @ slopes + weight * coef).ravel(), by_intercept])

    theta = np.zeros((d + 1) * k) if start is None else np.concatenate([start[0].ravel(), start[1]])
    options = {"maxiter": _MAX_STEPS, "ftol": _TOLERANCE, "gtol": _TOLERANCE}
    found = minimize(objective, theta, jac=True, method="L-BFGS-B", options=options).x
    return found[: d * k].reshape(d, k), found[d * k :]


def fit_svm(rows: Any, targets: FloatArray, inverse_penalty: float) -> Fit:
    """Fit a linear SVM on many sparse rows, one class or label after the other, by dual coordinate descent."""
    from sklearn.svm import LinearSVC

    coef, intercept = np.zeros((rows.shape[1], targets.shape[1])), np.zeros(targets.shape[1])
    for j, column in enumerate(targets.T > 0.5):
        if column.all() or not column.any():
            intercept[j] = 1.0 if column.all() else -1.0
            continue
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a fit that did not converge still counts, by its score
            model = LinearSVC(C=inverse_penalty, random_state=0).fit(rows, column)
        coef[:, j], intercept[j] = model.coef_[0], model.intercept_[0]
    return coef, intercept


def fit_ridge(rows: Any, targets: FloatArray, inverse_penalty: float) -> Fit:
    """Fit values by ridge regression."""
    from sklearn.linear_model import Ridge

    if not np.ptp(targets):
        return np.zeros((rows.shape[1], targets.shape[1])), targets.mean(axis=0)
    model = Ridge(alpha=1 / inverse_penalty, solver="lsqr", tol=1e-8).fit(rows, targets)
    return np.reshape(model.coef_, (targets.shape[1], -1)).T, np.reshape(model.intercept_, -1)
