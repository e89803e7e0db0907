"""What a network is trained on: which items, their targets, and how much each counts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from headstart.core.dataset import FloatArray, IntArray
    from headstart.heads.problem import Problem


@dataclass(frozen=True, kw_only=True)
class TrainingSet:
    """What is learned: positions (m,) among the examples, with the targets (m, k) and the weights (m,) of those items."""

    index: IntArray
    targets: FloatArray
    weights: FloatArray


def training_set_of(problem: Problem, index: IntArray) -> TrainingSet:
    """What is trained on the items at `index`; errors of a regression count in units of its variance."""
    inside = problem.take(index)
    variance = 1.0 if problem.task_spec.has_probabilities else float(inside.targets.var(axis=0).mean())
    return TrainingSet(index=index, targets=inside.targets, weights=inside.weights / max(variance, 1e-12))


class TargetsOfItems:
    """Targets and weights of items by their position among the examples."""

    def __init__(self, training_set: TrainingSet, device: torch.device) -> None:
        self._row = {int(position): row for row, position in enumerate(training_set.index)}
        self._targets, self._weights = (
            torch.tensor(values, dtype=torch.float32, device=device)
            for values in (training_set.targets, training_set.weights)
        )

    def __call__(self, index: IntArray) -> tuple[torch.Tensor, torch.Tensor]:
        """Shapes (m, k) and (m,)."""
        rows = torch.tensor([self._row[int(position)] for position in index])
        return self._targets[rows], self._weights[rows]
