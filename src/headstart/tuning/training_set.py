"""TrainingSet: the items that a network is trained on, with targets and weights."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from headstart.core.dataset import FloatArray, IntArray
    from headstart.heads.problem import Problem


@dataclass(frozen=True, kw_only=True)
class TrainingSet:
    """Positions (m,) among the loader's items, with the targets (m, k) and weights (m,) of those items."""

    index: IntArray
    targets: FloatArray
    weights: FloatArray


def training_set_of(problem: Problem, index: IntArray) -> TrainingSet:
    """Select the items at `index`; regression losses are divided by the variance of the targets."""
    inside = problem.take(index)
    variance = 1.0 if problem.task_spec.has_probabilities else float(inside.targets.var(axis=0).mean())
    return TrainingSet(index=index, targets=inside.targets, weights=inside.weights / max(variance, 1e-12))


class TargetLookup:
    """Targets and weights of items by their position among the loader's items."""

    def __init__(self, training_set: TrainingSet, device: torch.device) -> None:
        self._row = {int(position): row for row, position in enumerate(training_set.index)}
        self._targets, self._weights = (
            torch.tensor(values, dtype=torch.float32, device=device)
            for values in (training_set.targets, training_set.weights)
        )

    def __call__(self, index: IntArray) -> tuple[torch.Tensor, torch.Tensor]:
        """Targets (m, k) and weights (m,) of the items at `index`."""
        rows = torch.tensor([self._row[int(position)] for position in index])
        return self._targets[rows], self._weights[rows]
