"""The tasks of the tuning benches: few labels, drawn anew by each seed, and one test part that stays the same.

Photos: groceries and traffic-lights with the test parts of their own, CIFAR-10 at 10, 50 and 200 a class. Texts: short movie
reviews and complaints at 8, 64 and 512 a class (a class that has fewer gives all it has); questions at 8, 64, and 500 in all.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from bench.demos import demo_dataset, own_parts
from bench.fetched import fetched, is_fetched, modality_of
from headstart.sources.defaults import default_source

if TYPE_CHECKING:
    from collections.abc import Sequence

    from headstart.core.dataset import Dataset, IntArray


@dataclass(frozen=True, kw_only=True)
class Task:
    """One demo at one size: so many labels `per_class`, or `n_labels` as they come, or (neither) all there are.

    `keep` filters the rows of a table: (column, value). A demo with a test part of its own gives the test items from there.
    `is_uneven` says that the demo has some classes far more often than others. Where as many of each are drawn, nothing that is
    trained on can tell that, so the test counts classes evenly too.
    """

    demo: str
    per_class: int | None = None
    n_labels: int | None = None
    n_test: int = 1000
    keep: tuple[str, str] | None = None
    is_uneven: bool = False

    @property
    def name(self) -> str:
        return f"{self.demo}-{self.per_class}" if self.per_class else self.demo

    @property
    def is_whole(self) -> bool:
        """Whether nothing is drawn: what the demo keeps for its test, if anything, is the test part."""
        return self.per_class is None and self.n_labels is None

    @property
    def counts_evenly(self) -> bool:
        """Whether the test counts classes, rather than items, evenly."""
        return self.is_uneven and self.per_class is not None

    @property
    def modality(self) -> str:
        return modality_of(self.demo)

    @property
    def source(self) -> str:
        """The network that all adapt."""
        return default_source(self.modality)


SHORT_REVIEWS = ("source", "rotten_tomatoes")
TASKS = (
    Task(demo="groceries"),
    *(Task(demo="cifar10", per_class=n, n_test=800) for n in (10, 50, 200)),
    Task(demo="traffic-lights", n_labels=300),
    *(Task(demo="movie-reviews", per_class=n, n_test=800, keep=SHORT_REVIEWS) for n in (8, 64, 512)),
    *(Task(demo="complaints", per_class=n, n_test=600, is_uneven=True) for n in (8, 64, 512)),
    *(Task(demo="questions", per_class=n, n_test=800, is_uneven=True) for n in (8, 64)),
    Task(demo="questions", n_labels=500, n_test=800, is_uneven=True),
)


def tasks_named(names: Sequence[str]) -> list[Task]:
    """Choose tasks by their names, `cifar10-50`, or where no task has that name all sizes of a demo, `cifar10`."""
    whole = {task.name for task in TASKS}
    return [task for task in TASKS if task.name in names or (task.demo in names and task.demo not in whole)]


def smaller(tasks: Sequence[Task], *, per_class: int | None, n_test: int | None) -> list[Task]:
    """The tasks with so many labels a class and test items, where they are given."""
    return [replace(task, per_class=per_class or task.per_class, n_test=n_test or task.n_test) for task in tasks]


def halves(task: Task, seed: int) -> tuple[Dataset, Dataset]:
    """The training part that the seed draws, and the test part, which is the same for every seed and size."""
    dataset = fetched(task.demo) if is_fetched(task.demo) else demo_dataset(task.demo, keep=task.keep)
    once = np.random.default_rng(0)
    if dataset.splits is not None and task.is_whole:
        train, test = own_parts(dataset, seed)
        return _part(dataset, train), _part(dataset, test)
    if dataset.splits is None:
        order = once.permutation(len(dataset))
        pool, test = order[task.n_test :], order[: task.n_test]
    else:
        pool, test = (
            np.flatnonzero(dataset.splits != "test"),
            once.permutation(np.flatnonzero(dataset.splits == "test")),
        )
    drawn = np.random.default_rng(seed).permutation(pool)
    if task.per_class is not None:
        codes = dataset.codes[drawn]
        drawn = np.concatenate([drawn[codes == code][: task.per_class] for code in range(len(dataset.labels))])
    return _part(dataset, np.sort(drawn[: task.n_labels])), _part(dataset, test[: task.n_test])


def _part(dataset: Dataset, index: IntArray) -> Dataset:
    return replace(dataset.take(index), splits=None)
