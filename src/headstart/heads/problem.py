"""Problem: the features and targets of a fit, and the protocols of a head estimator and its fit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from headstart.core.class_weights import item_weights
from headstart.core.tasks import get_task

if TYPE_CHECKING:
    from headstart.core.dataset import FloatArray, IntArray, Task
    from headstart.core.tasks import TaskSpec
    from headstart.heads.head import LinearHead


@dataclass(frozen=True, kw_only=True)
class Problem:
    """Features, targets and groups to fit a head on.

    Attributes
    ----------
    features : shape (n, d)
    targets : shape (n, k): indicators for a classification, values for a regression
    groups : shape (n,): items of one group are held out together
    seed : for drawing folds
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
        """Targets of least squares: +1/-1 for classification, the values for regression."""
        return self.task_spec.regression_targets(self.targets)

    @property
    def weights(self) -> FloatArray:
        """Shape (n,), mean 1: items of rare classes weigh more; calibration restores the class frequencies."""
        return item_weights(self.targets, self.task_spec)

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
    """A fitted head, not yet calibrated."""

    @property
    def head(self) -> LinearHead:
        """The head fitted on all items; its outputs are raw scores."""
        ...

    def with_chosen_hyperparameters(self) -> HeadEstimator:
        """An estimator that tries only what was chosen here, except for a penalty that is free to choose."""
        ...

    def held_out(self, groups: IntArray) -> FloatArray:
        """Raw scores of each item by a head fitted without its group, shape (n, k); penalties stay as chosen."""
        ...


class HeadEstimator(Protocol):
    """A way to fit a head; one file each, registered by an entry point."""

    @property
    def name(self) -> str:
        """The name it is registered under."""
        ...

    def supports(self, task: TaskSpec) -> bool:
        """Whether it can do this task at all."""
        ...

    def is_worth_trying(self, problem: Problem) -> bool:
        """Whether it is worth its time besides the others on a problem of this size."""
        ...

    def fit(self, problem: Problem) -> Fit:
        """Fit on all items, choosing penalties by held-out groups."""
        ...
