"""What a network is trained on: which items, their targets, and how much each counts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from headstart.adaptation.problem import Problem
    from headstart.core.dataset import FloatArray, IntArray


@dataclass(frozen=True, kw_only=True)
class Lesson:
    """What is learnt: positions (m,) among the examples, with the targets (m, k) and the weights (m,) of those items."""

    index: IntArray
    targets: FloatArray
    weights: FloatArray


def lesson_of(problem: Problem, index: IntArray) -> Lesson:
    """What is learnt from the items at `index`; errors of a regression count in units of its variance."""
    inside = problem.take(index)
    variance = float(inside.targets.var(axis=0).mean()) if problem.task == "regression" else 1.0
    return Lesson(index=index, targets=inside.targets, weights=inside.weights / max(variance, 1e-12))


class Lookup:
    """Targets and weights of items by their position among the examples."""

    def __init__(self, lesson: Lesson, device: torch.device) -> None:
        self._row = {int(position): row for row, position in enumerate(lesson.index)}
        self._targets, self._weights = (
            torch.tensor(values, dtype=torch.float32, device=device) for values in (lesson.targets, lesson.weights)
        )

    def __call__(self, index: IntArray) -> tuple[torch.Tensor, torch.Tensor]:
        """Shapes (m, k) and (m,)."""
        rows = torch.tensor([self._row[int(position)] for position in index])
        return self._targets[rows], self._weights[rows]
