"""Prototypes: the nearest class mean by cosine, for very few labels.

References
----------
Wang et al., SimpleShot: revisiting nearest-neighbor classification for few-shot learning, arXiv:1911.04623.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from headstart.heads.folds import RefittedFit
from headstart.heads.head import LinearHead
from headstart.heads.transforms import get_transform, unit_rows

if TYPE_CHECKING:
    from headstart.core.tasks import TaskSpec
    from headstart.heads.problem import Problem

_MAX_ITEMS_PER_CLASS = 30


@dataclass(frozen=True, kw_only=True)
class Prototypes:
    """Cosine between the centered item and the mean of each class."""

    name: str = "prototypes"
    transform: str = "sqrt"

    def supports(self, task: TaskSpec) -> bool:
        """Single-label tasks only."""
        return task.is_single_label

    def is_worth_trying(self, problem: Problem) -> bool:
        """Only with few items per class: with many, ridge was better on everything tried (docs/log.md)."""
        n, k = problem.targets.shape
        return n <= _MAX_ITEMS_PER_CLASS * k

    def fit(self, problem: Problem) -> RefittedFit:
        """Average each class; there are no hyperparameters."""
        return RefittedFit(problem=problem, fit_head=self.fit_head, estimator=self)

    def fit_head(self, problem: Problem) -> LinearHead:
        """Average each class on the unit sphere."""
        x = get_transform(self.transform).apply(np.asarray(problem.features, dtype=np.float64))
        # (n, k); a class without items has a mean of zero
        share = problem.targets / np.maximum(problem.targets.sum(axis=0), 1.0)
        centre = x.mean(axis=0)
        means = unit_rows(share.T @ unit_rows(x - centre))  # (k, d)
        k = means.shape[0]
        return LinearHead(
            transform=self.transform,
            centre=centre,
            scale=np.ones(x.shape[1]),
            coef=means.T,
            intercept=np.zeros(k),
            unit_length=True,
        )
