"""Offset: a source's score plus a ridge residual on the target's own features, from "as it is" to "no transfer".

The score of an item is `slope * source + intercept + features @ coef`. Four kinds of candidates differ in what is free:

- *as it is*: slope 1, no intercept, no coefficients (an infinite penalty);
- *recalibrated*: slope and intercept are fitted;
- *residual*: the coefficients too, for each penalty of a grid;
- *no transfer*: the slope is 0, for each penalty of the grid.

All are fitted on the same folds of whole groups. The fit that is used is their mean, weighted by how likely the held-out targets are under
each (pseudo-BMA): with few items all that is plausible counts, with many the best alone. The mean of scores is a linear model again.

References
----------
Yao, Vehtari, Simpson and Gelman, Using stacking to average Bayesian predictive distributions, Bayesian Analysis 2018.
Li, Cai and Li, Transfer learning for high-dimensional linear regression, JRSS B 2022 (a source's fit as offset).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import numpy as np

from headstart.data.holdout import assign_folds
from headstart.heads.offset_solver import OffsetProblem, Solution

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from headstart.core.dataset import FloatArray, IntArray
    from headstart.core.tasks import TaskSpec

Kind = Literal["as it is", "recalibrated", "residual", "no transfer"]
PENALTIES = tuple(10.0 ** np.arange(1.5, -2.1, -0.5))
"""Of features whose rows have a mean squared norm of 1: at 1, a residual of 1 logit (1 standard deviation) is usual."""
PRIOR: dict[Kind, float] = {"as it is": 0.4, "recalibrated": 0.3, "residual": 0.2, "no transfer": 0.1}
"""How likely each kind is before any target is seen; penalties of one kind share it evenly (docs/log.md)."""
_MANY_GROUPS, _N_FOLDS, _N_FOLDS_OF_FEW = 200, 5, 10


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """A kind of fit; `penalty` is infinite where the features are not read."""

    kind: Kind
    penalty: float = np.inf

    @property
    def reads_source(self) -> bool:
        """Whether the source's score has a slope."""
        return self.kind != "no transfer"


@dataclass(frozen=True, kw_only=True)
class FittedOffset:
    """The weighted mean of all candidates, one linear model of the source's score and the features.

    Attributes
    ----------
    slope : of the source's score
    coef, intercept : of the features, shapes (d, k) and (k,)
    held_out : scores of each item by fits without its group, shape (n, k)
    weights : of the candidates, of sum 1
    """

    slope: float
    coef: FloatArray
    intercept: FloatArray
    held_out: FloatArray
    candidates: tuple[Candidate, ...]
    weights: FloatArray

    def scores(self, source: FloatArray, features: FloatArray) -> FloatArray:
        """Scores (n, k) of the source's scores (n, k) and features (n, d)."""
        return np.asarray(self.slope * source + features @ self.coef + self.intercept)

    def weight_of(self, kind: Kind) -> float:
        """The weight of all candidates of a kind."""
        return float(sum(w for one, w in zip(self.candidates, self.weights, strict=True) if one.kind == kind))


def fit_offset(
    source: FloatArray,
    features: FloatArray,
    targets: FloatArray,
    groups: IntArray,
    *,
    task: TaskSpec,
    seed: int = 0,
    penalties: Sequence[float] = PENALTIES,
    kinds: Sequence[Kind] = tuple(PRIOR),
) -> FittedOffset:
    """Fit all candidates and average them.

    Parameters
    ----------
    source : its scores (logits, or values in the target's units), shape (n, k); fitted without these items
    features : shape (n, d), finite
    targets, groups : shapes (n, k) and (n,)
    penalties : from the largest to the smallest, in units of features whose rows have a mean squared norm of 1
    kinds : that are tried
    """
    candidates = tuple(_candidates(kinds, penalties))
    problem = OffsetProblem.of(source, features, targets, task)
    found = _path(problem, candidates)
    held_out = np.zeros((len(candidates), *targets.shape))
    folds = fold_numbers(groups, targets, seed)
    for fold in range(int(folds.max()) + 1):
        train, test = folds != fold, folds == fold
        if not train.any():
            continue
        fitted = _path(OffsetProblem.of(source[train], features[train], targets[train], task), candidates)
        held_out[:, test] = [one.scores(source[test], features[test]) for one in fitted]
    weights = candidate_weights(held_out, targets, groups, _prior(candidates), task)
    return FittedOffset(
        slope=float(weights @ [one.slope for one in found]),
        coef=np.tensordot(weights, [one.coef for one in found], axes=1),
        intercept=weights @ np.stack([one.intercept for one in found]),
        held_out=np.tensordot(weights, held_out, axes=1),
        candidates=candidates,
        weights=weights,
    )


def candidate_weights(
    held_out: FloatArray, targets: FloatArray, groups: IntArray, prior: FloatArray, task: TaskSpec
) -> FloatArray:
    """Weights of candidates by the likelihood of held-out targets, shape (c,); a group counts as one item.

    Parameters
    ----------
    held_out : scores of each candidate, shape (c, n, k)
    prior : > 0, of sum 1, shape (c,)
    """
    losses = np.stack([task.losses(task.outputs(scores), targets) for scores in held_out])
    _, group, sizes = np.unique(groups, return_inverse=True, return_counts=True)
    per_item = 1.0 / sizes[group]
    totals = losses @ per_item
    if not task.has_probabilities:  # Gaussian errors whose variance is that of the best candidate
        variance = max(float(totals.min()) / len(sizes), np.finfo(float).tiny)
        totals = totals / (2.0 * variance)
    logs = np.log(prior) - totals
    raised = np.exp(logs - logs.max())
    return np.asarray(raised / raised.sum())


def fold_numbers(groups: IntArray, targets: FloatArray, seed: int) -> IntArray:
    """The fold of each item, shape (n,): ten of few groups, five of many."""
    n_groups = len(np.unique(groups))
    n_folds = _N_FOLDS_OF_FEW if n_groups <= _MANY_GROUPS else _N_FOLDS
    return assign_folds(groups, targets, max(1, min(n_folds, n_groups)), seed)


def _candidates(kinds: Sequence[Kind], penalties: Sequence[float]) -> Iterator[Candidate]:
    for kind in kinds:
        if kind in ("as it is", "recalibrated"):
            yield Candidate(kind=kind)
        else:
            yield from (Candidate(kind=kind, penalty=float(penalty)) for penalty in penalties)


def _prior(candidates: Sequence[Candidate]) -> FloatArray:
    kinds = [one.kind for one in candidates]
    prior = np.array([PRIOR[kind] / kinds.count(kind) for kind in kinds])
    return prior / prior.sum()


def _path(problem: OffsetProblem, candidates: Sequence[Candidate]) -> list[Solution]:
    """Fit all candidates, each from the last one of its kind on."""
    found: list[Solution] = []
    last: dict[Kind, Solution] = {}
    for one in candidates:
        if one.kind == "as it is":
            found.append(problem.as_it_is)
            continue
        free = replace(problem, slope_prior=1.0 if one.reads_source else 0.0, has_slope=one.reads_source)
        last[one.kind] = free.solve(one.penalty, start=last.get(one.kind))
        found.append(last[one.kind])
    return found
