"""The tasks on which models, reports and choices are judged: real data at some sizes, each with a test part that no report sees."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from bench.demos import demo_dataset, own_parts

if TYPE_CHECKING:
    from headstart.core.dataset import Dataset, IntArray


@dataclass(frozen=True)
class EvaluationTask:
    """One dataset at some sizes.

    `is_official` uses the dataset's own test part instead of a random one. Seeds draw from `n_pool` items or the size, if that is
    more: embedding all would only cost time.
    """

    name: str
    sizes: tuple[int, ...]
    n_test: int = 1000
    is_official: bool = False
    n_pool: int = 2000

    def dataset(self, size: int) -> Dataset:
        """The items from which the training and test part of this size are drawn."""
        dataset = demo_dataset(self.name)
        if self.is_official:
            return dataset
        n = min(len(dataset), max(size, self.n_pool) + self.n_test)
        return dataset.take(np.sort(np.random.default_rng(0).permutation(len(dataset))[:n]))

    def split(self, dataset: Dataset, size: int, seed: int) -> tuple[IntArray, IntArray]:
        """Positions of the training and of the test part."""
        if self.is_official:
            return own_parts(dataset, seed)
        order = np.random.default_rng(seed).permutation(len(dataset))
        return _balanced(dataset, order[self.n_test :], size), order[: self.n_test]

    def smaller(self, n_train: int | None, n_test: int | None) -> EvaluationTask:
        """The same with so many items at most, where that is given."""
        changed = self if n_test is None else replace(self, n_test=min(self.n_test, n_test))
        if n_train is None:
            return changed
        return replace(changed, sizes=tuple({min(size, n_train) for size in self.sizes}), n_pool=2 * n_train)


def _balanced(dataset: Dataset, order: IntArray, size: int) -> IntArray:
    """For movie-reviews: so many a class; elsewhere as they come."""
    if dataset.name.startswith("movie") and dataset.task_spec.is_single_label:
        codes = dataset.codes[order]
        return np.concatenate([order[codes == c][: size // 2] for c in (0, 1)])
    return order[:size]


TASKS = {
    task.name: task
    for task in (
        EvaluationTask("groceries", (0,), is_official=True),
        EvaluationTask("traffic-lights", (0,), is_official=True),
        EvaluationTask("complaints", (200, 1000, 10_000)),
        EvaluationTask("sms-spam", (200,)),
        EvaluationTask("questions", (500,)),
        EvaluationTask("bbc", (200,)),
        EvaluationTask("movie-reviews", (16, 128, 1024)),
        EvaluationTask("disaster", (1000,)),
        EvaluationTask("vader", (1000,)),
    )
}
