"""Greedy soup: average the weights of several runs, adding each only if the held-out loss does not rise.

Wortsman et al., Model soups: averaging weights of multiple fine-tuned models improves accuracy without increasing inference time,
arXiv:2203.05482 (recipe 1).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    Weights = dict[str, torch.Tensor]


@dataclass(frozen=True, kw_only=True)
class Soup:
    """Averaged weights, the indices of their runs, best first, and their held-out loss."""

    weights: Weights
    members: tuple[int, ...]
    loss: float


def soup(runs: Sequence[Weights], evaluate: Callable[[Weights], float]) -> Soup:
    """Average runs that started from the same weights, beginning with the best.

    The result is never worse than the best run by `evaluate`, which is called 2n - 1 times for n runs.

    Parameters
    ----------
    runs : weights by name, all with the same names and shapes; at least one run
    evaluate : the held-out loss of weights; not finite if they are unusable
    """
    losses = [evaluate(weights) for weights in runs]
    best, *others = sorted(range(len(runs)), key=lambda i: (not losses[i] < float("inf"), losses[i]))
    made = Soup(weights=runs[best], members=(best,), loss=losses[best])
    for i in others:
        weights = mean([runs[member] for member in (*made.members, i)])
        loss = evaluate(weights)
        if loss <= made.loss:
            made = Soup(weights=weights, members=(*made.members, i), loss=loss)
    return made


def mean(runs: Sequence[Weights]) -> Weights:
    """Average weights by name."""
    return {name: torch.stack([weights[name] for weights in runs]).mean(dim=0) for name in runs[0]}
