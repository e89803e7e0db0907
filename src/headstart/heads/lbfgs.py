"""L-BFGS for several penalized linear problems on the same rows, side by side: they share each matrix product.

References
----------
Liu and Nocedal, On the limited memory BFGS method for large scale optimization, Mathematical Programming 1989.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from headstart.core.dataset import FloatArray
    from headstart.heads.score_losses import ScoreLoss

_MEMORY = 8  # pairs of steps and changes of the gradient that are kept
_MAX_STEPS = 300
_MAX_HALVINGS = 20
_REFRESH = 8  # steps between two computations of the diagonal of the curvature
_SUFFICIENT_DECREASE = 1e-4
_MIN_CURVATURE = 1e-3  # of the intercept, relative to the summed weights: bounds its step where the loss is flat
_ROWS_AT_ONCE = 4096


@dataclass(frozen=True, kw_only=True)
class LinearProblems:
    """Minimize sum_i weight_i loss(row_i . theta) + penalty / 2 |theta without its last column|^2, once for each weighting.

    Attributes
    ----------
    rows : shape (n, r), shared; the last column is 1, for the intercept
    targets : shape (k, n), shared
    weights : shape (f, n); 0 for an item that is held out
    penalties : shape (f,)
    """

    rows: FloatArray
    targets: FloatArray
    weights: FloatArray
    penalties: FloatArray
    loss: ScoreLoss

    def take(self, index: NDArray[np.bool_] | slice) -> LinearProblems:
        """Keep some of the weightings."""
        return replace(self, weights=self.weights[index], penalties=self.penalties[index])

    @property
    def ridge(self) -> FloatArray:
        """The penalty of each coordinate, shape (f, 1, r)."""
        ridge = np.repeat(self.penalties[:, None, None], self.rows.shape[1], axis=2)
        ridge[..., -1] = 0.0
        return ridge

    def scores(self, theta: FloatArray) -> FloatArray:
        """Scores (f, k, n) of all rows."""
        f, k, r = theta.shape
        return (theta.reshape(f * k, r) @ self.rows.T).reshape(f, k, len(self.rows))

    def state(self, theta: FloatArray, scores: FloatArray) -> _State:
        """Objective, gradient and diagonal curvature at theta."""
        evaluated = self.loss(scores, self.targets)
        value = np.einsum("fn,fn->f", evaluated.values, self.weights) + 0.5 * (self.ridge * np.square(theta)).sum(
            (1, 2)
        )
        return _State(theta, scores, value, evaluated.gradient, evaluated.curvature)

    def gradient(self, state: _State) -> FloatArray:
        """By theta, shape (f, k, r)."""
        residual = state.by_score * self.weights[:, None]
        return (residual.reshape(-1, len(self.rows)) @ self.rows).reshape(state.theta.shape) + self.ridge * state.theta

    def diagonal(self, state: _State) -> FloatArray:
        """Diagonal of the curvature, shape (f, k, r)."""
        weighted = (state.curvature * self.weights[:, None]).reshape(-1, len(self.rows))
        diagonal = np.zeros((len(weighted), self.rows.shape[1]))
        for i in range(0, len(self.rows), _ROWS_AT_ONCE):
            chunk = slice(i, i + _ROWS_AT_ONCE)
            diagonal += weighted[:, chunk] @ np.square(self.rows[chunk])
        diagonal = diagonal.reshape(state.theta.shape) + self.ridge
        floor = _MIN_CURVATURE * self.weights.sum(axis=1, keepdims=True)
        diagonal[..., -1] = np.maximum(diagonal[..., -1], floor)
        return diagonal


@dataclass(frozen=True)
class _State:
    """Where the problems stand; `by_score` and `curvature` are the derivatives by each score."""

    theta: FloatArray
    scores: FloatArray
    value: FloatArray
    by_score: FloatArray
    curvature: FloatArray

    def take(self, index: NDArray[np.bool_]) -> _State:
        return _State(*(getattr(self, name)[index] for name in self.__dataclass_fields__))

    def with_changed(self, index: NDArray[np.bool_], other: _State) -> _State:
        """Put other states in the place of some."""
        changed = {name: getattr(self, name).copy() for name in self.__dataclass_fields__}
        for name, array in changed.items():
            array[index] = getattr(other, name)
        return _State(**changed)


def minimize(problems: LinearProblems, start: FloatArray, *, tolerance: float) -> FloatArray:
    """Solve from `start` (f, k, r): until the objective is within about `tolerance` of its minimum.

    Each problem takes the steps that it would take alone, so that none learns from another.
    """
    found = start.copy()
    active = np.arange(len(start))
    state = problems.state(start, problems.scores(start))
    gradient, memory = problems.gradient(state), _Memory()
    inverse = np.empty_like(gradient)
    is_stuck = np.zeros(len(active), dtype=bool)
    for step in range(_MAX_STEPS + 1):
        if step % _REFRESH == 0:
            inverse = 1.0 / problems.diagonal(state)
        is_done = is_stuck | (_dot(gradient * inverse, gradient) <= 2.0 * tolerance) | (step == _MAX_STEPS)
        if is_done.any():
            found[active[is_done]] = state.theta[is_done]
            rest = ~is_done
            if not rest.any():
                break
            active, inverse, gradient = active[rest], inverse[rest], gradient[rest]
            problems, state, memory = problems.take(rest), state.take(rest), memory.take(rest)
        after, is_stuck = _line_search(problems, state, memory.direction(gradient, inverse), gradient)
        new_gradient = problems.gradient(after)
        memory.add(after.theta - state.theta, new_gradient - gradient)
        state, gradient = after, new_gradient
    return found


def _line_search(
    problems: LinearProblems, state: _State, direction: FloatArray, gradient: FloatArray
) -> tuple[_State, NDArray[np.bool_]]:
    """Halve each problem's step until the objective decreases enough; and which found no such step."""
    slope, along = _dot(direction, gradient), problems.scores(direction)
    is_open = np.ones(len(slope), dtype=bool)
    after = state
    for halving in range(_MAX_HALVINGS):
        length = 0.5**halving
        theta = state.theta[is_open] + length * direction[is_open]
        trial = problems.take(is_open).state(theta, state.scores[is_open] + length * along[is_open])
        is_enough = trial.value <= state.value[is_open] + _SUFFICIENT_DECREASE * length * slope[is_open]
        closed = is_open.copy()
        closed[is_open] = is_enough
        after = trial if is_enough.all() and halving == 0 else after.with_changed(closed, trial.take(is_enough))
        is_open &= ~closed
        if not is_open.any():
            break
    return after, is_open


class _Memory:
    """The last steps and changes of the gradient."""

    def __init__(self, pairs: list[tuple[FloatArray, FloatArray, FloatArray]] | None = None) -> None:
        self._pairs = pairs or []

    def add(self, step: FloatArray, change: FloatArray) -> None:
        """Keep a pair; one without curvature has no effect."""
        product = _dot(step, change)
        factor = np.where(product > 1e-14, 1.0 / np.maximum(product, 1e-14), 0.0)
        self._pairs = [*self._pairs, (step, change, factor)][-_MEMORY:]

    def take(self, index: NDArray[np.bool_]) -> _Memory:
        return _Memory([(step[index], change[index], factor[index]) for step, change, factor in self._pairs])

    def direction(self, gradient: FloatArray, inverse: FloatArray) -> FloatArray:
        """The quasi-Newton direction, with the inverse of the diagonal curvature as the first guess."""
        q, coefficients = gradient.copy(), []
        for step, change, factor in reversed(self._pairs):
            coefficients.append(factor * _dot(step, q))
            q -= coefficients[-1][:, None, None] * change
        q *= inverse
        for (step, change, factor), coefficient in zip(self._pairs, reversed(coefficients), strict=True):
            q += (coefficient - factor * _dot(change, q))[:, None, None] * step
        return -q


def _dot(a: FloatArray, b: FloatArray) -> FloatArray:
    """Inner products of each problem's arrays, shape (f,)."""
    product: FloatArray = np.einsum("fkr,fkr->f", a, b)
    return product
