"""Mixing: weights of the models whose outputs are averaged, from an even mean moved by evidence.

The mean of models that err differently is the safest thing there is where labels are few: on 60 runs on held-out text tasks the even
mean of a plain and a pretrained model beat every rule that picks one of them (docs/log.md). So the even mean is the prior, worth as many items as
`_PRIOR_ITEMS`, and the held-out losses move the weights away from it.

References
----------
Wolpert, Stacked generalization, Neural Networks 1992. Breiman, Stacked regressions, Machine Learning 1996 (non-negative weights).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from headstart.data.holdout import assign_folds

if TYPE_CHECKING:
    from collections.abc import Sequence

    from headstart.core.dataset import FloatArray, IntArray
    from headstart.core.tasks import TaskSpec

_PRIOR_ITEMS = 10.0  # held-out items that the even mean is worth (docs/log.md, What is mixed)
_MIN_WEIGHT = 0.05  # a smaller one costs a model and changes almost nothing
_N_BLOCKS = 5
OWN, _OWN_SHARE = "own", 0.85
"""The family of a source of the user's own, which is the same task on other data, and its share at first (docs/log.md)."""


@dataclass(frozen=True, kw_only=True)
class Mix:
    """Weights of several models, and what their mean says of the held-out items.

    Attributes
    ----------
    weights : shape (n_models,), >= 0, of sum 1, from all held-out items
    outputs : shape (n, k), cross-fitted: the weights for an item come from the other blocks of items
    """

    weights: FloatArray
    outputs: FloatArray


def mix_held_out(
    outputs: Sequence[FloatArray],
    families: Sequence[str],
    targets: FloatArray,
    groups: IntArray,
    *,
    task: TaskSpec,
    seed: int,
) -> Mix:
    """Weigh models by their held-out outputs.

    Parameters
    ----------
    outputs : of each model, shape (n, k), by fits without the items
    families : of each model; all families count the same at first, and so do the models of one family
    targets, groups : of the items, shapes (n, k) and (n,)
    """
    stack, prior = np.stack(outputs), _even(families)
    if len(stack) == 1:
        return Mix(weights=np.ones(1), outputs=stack[0])
    n_blocks = min(_N_BLOCKS, len(np.unique(groups)))
    blocks = assign_folds(groups, targets, n_blocks, seed)
    mixed = np.empty_like(stack[0])
    for block in range(n_blocks):
        here = blocks == block
        weights = mixing_weights(stack[:, ~here], targets[~here], prior, task)
        mixed[here] = np.tensordot(weights, stack[:, here], axes=1)
    return Mix(weights=mixing_weights(stack, targets, prior, task), outputs=mixed)


def mixing_weights(stack: FloatArray, targets: FloatArray, prior: FloatArray, task: TaskSpec) -> FloatArray:
    """Weights that minimize the summed loss of the mean plus the prior's divergence from them, shape (n_models,).

    Parameters
    ----------
    stack : shape (n_models, n, k), outputs
    prior : shape (n_models,), > 0, of sum 1
    """
    from scipy.optimize import minimize

    if not len(targets):
        return prior
    # a loss in squared units of the target is measured against that of the even mean
    unit = 1.0 if task.has_probabilities else float(task.losses(np.tensordot(prior, stack, axes=1), targets).mean())

    def objective(logits: FloatArray) -> float:
        weights = _softmax(logits)
        lost = float(task.losses(np.tensordot(weights, stack, axes=1), targets).sum()) / (unit or 1.0)
        return lost - _PRIOR_ITEMS * float(prior @ np.log(np.maximum(weights, 1e-12)))

    weights = _softmax(minimize(objective, np.log(prior), method="L-BFGS-B").x)
    weights = np.where(weights < _MIN_WEIGHT, 0.0, weights)
    return np.asarray(weights / weights.sum())


def _even(families: Sequence[str]) -> FloatArray:
    """Each family the same, and each of its models the same; but a source of the user's own counts more at first.

    >>> _even(["plain", "frozen", "frozen"]).tolist()
    [0.5, 0.25, 0.25]
    >>> _even(["own", "plain"]).round(2).tolist()
    [0.85, 0.15]
    """
    sizes = {family: families.count(family) for family in families}
    is_first = OWN in sizes and len(sizes) > 1
    shares = dict.fromkeys(sizes, (1 - _OWN_SHARE) / (len(sizes) - 1) if is_first else 1 / len(sizes))
    if is_first:
        shares[OWN] = _OWN_SHARE
    return np.array([shares[family] / sizes[family] for family in families])


def _softmax(logits: FloatArray) -> FloatArray:
    raised = np.exp(logits - logits.max())
    return np.asarray(raised / raised.sum())
