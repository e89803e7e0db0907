"""Problem: features and targets as every candidate sees them, and what a candidate gives back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from headstart.core.class_weights import item_weights
from headstart.core.tasks import get_task
from headstart.data.clusters import cluster_items

if TYPE_CHECKING:
    from headstart.core.dataset import FloatArray, IntArray, Task
    from headstart.core.tasks import TaskSpec
    from headstart.heads.head import LinearHead


@dataclass(frozen=True, kw_only=True)
class Problem:
    """What there is to learn from.

    Attributes
    ----------
    features : shape (n, d)
    targets : shape (n, k): indicators for a classification, values for a regression
    groups : shape (n,): items with the same number are left out together
    seed : for candidates that draw folds
    """

    features: FloatArray
    targets: FloatArray
    task: Task
    groups: IntArray
    seed: int = 0

    @property
    def task_spec(self) -> TaskSpec:
        """What follows from the task: loss, metrics, decision."""
        return get_task(self.task)

    @property
    def signs(self) -> FloatArray:
        """Targets to regress on: +1/-1 for a classification, the values for a regression."""
        return self.task_spec.regression_targets(self.targets)

    @property
    def weights(self) -> FloatArray:
        """Shape (n,), mean 1: items of rare classes count more; the calibration afterwards restores the class frequencies."""
        return item_weights(self.targets, self.task_spec)

    def conditions(self) -> IntArray:
        """Number the cluster of like items that each belongs to, shape (n,): `data.conditions`."""
        return cluster_items(self.features, self.task_spec.strata(self.targets), self.groups, seed=self.seed)

    def take(self, index: IntArray) -> Problem:
        """Keep the items at `index`."""
        return Problem(
            features=self.features[index],
            targets=self.targets[index],
            task=self.task,
            groups=self.groups[index],
            seed=self.seed,
        )


class Fit(Protocol):
    """A fitted candidate, not yet calibrated."""

    @property
    def head(self) -> LinearHead:
        """The head fitted on every item; its outputs are raw scores."""
        ...

    def with_chosen_hyperparameters(self) -> HeadEstimator:
        """Make the candidate that tries only what was chosen here, but for a penalty that costs nothing to choose."""
        ...

    def held_out(self, groups: IntArray) -> FloatArray:
        """Raw scores of each item by a head fitted without the item's group, shape (n, k); penalties stay as chosen."""
        ...


class HeadEstimator(Protocol):
    """One way of putting a head on features; one file each, registered by an entry point."""

    @property
    def name(self) -> str:
        """The name under which it is registered."""
        ...

    def supports(self, task: TaskSpec) -> bool:
        """Say whether it can do a task at all."""
        ...

    def is_worth_trying(self, problem: Problem) -> bool:
        """Say whether trying it beside the others is worth its time on a problem of this size."""
        ...

    def fit(self, problem: Problem) -> Fit:
        """Fit on all items, choosing penalties by held-out groups."""
        ...
