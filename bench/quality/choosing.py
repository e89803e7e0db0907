"""What does choosing the source gain over always taking the usual one? The tasks and splits of `bench/quality/evaluate.py`.

The source is ranked on the training part alone, as `fit` does by default; its head and that of the usual source are fitted on all
of it and scored on the test part. Run: .venv/bin/python -m bench.quality.choosing [--tasks sms-spam,vader] [--seeds 3] [--test 400]
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from bench.options import names, parse, parser_of
from bench.quality.evaluation_tasks import TASKS, EvaluationTask
from headstart.data.near_duplicates import find_near_duplicates
from headstart.engines.context import RunContext
from headstart.features import embed
from headstart.heads import adapt
from headstart.pipeline.presets import preset_named
from headstart.ranking import Limits, rank
from headstart.sources import open_source
from headstart.sources.defaults import default_source

if TYPE_CHECKING:
    from headstart.core.dataset import Dataset
    from headstart.core.metrics import Metric

LARGEST = 1100  # labels: beyond, the sources differ little and embedding takes long


@dataclass(frozen=True, kw_only=True)
class Choice:
    """What the ranking chose on one draw, the test scores of that and of the usual source, and how long the ranking took."""

    source: str
    score: float
    usual_score: float
    seconds: float
    n_train: int
    metric: str


def main() -> None:
    parser = parser_of(__doc__)
    parser.add_argument("--tasks", type=names, default=list(TASKS))
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--train", type=int, help="labels, at most")
    parser.add_argument("--test", type=int, default=400, help="test items, at most")
    options = parse(parser, tasks=["questions"], seeds=1, train=60, test=60)
    tasks = [TASKS[name].smaller(options.train, options.test) for name in options.tasks]
    gains = [
        show(task.name, [one_run(task, size, seed) for seed in range(options.seeds)])
        for task in tasks
        for size in task.sizes
        if size <= LARGEST
    ]
    print(f"{len(gains)} tasks: choosing gains {np.mean(gains):+.2f} points in the mean, {min(gains):+.2f} at worst")


def one_run(task: EvaluationTask, size: int, seed: int) -> Choice:
    dataset = task.dataset(size)
    train_index, test_index = task.split(dataset, size, seed)
    train, test = replace(dataset.take(train_index), splits=None), dataset.take(test_index)
    metric, usual = dataset.task_spec.headline(train.targets), default_source(dataset.modality)
    preset, started = preset_named("balanced"), time.perf_counter()
    limits = Limits(max_size_mib=preset.max_size_mib)
    chosen = rank(train, limits=limits, halving=preset.halving, seed=seed, context=RunContext.default()).best.name
    seconds = time.perf_counter() - started
    scores = {name: score_of(name, train, test, metric) for name in {chosen, usual}}
    return Choice(
        source=chosen,
        score=scores[chosen],
        usual_score=scores[usual],
        seconds=seconds,
        n_train=len(train),
        metric=metric.name,
    )


def score_of(name: str, train: Dataset, test: Dataset, metric: Metric) -> float:
    """Score of the line's own head on this source, everything chosen on the training part."""
    source = open_source(name)
    x, z = (embed(part.items, source, context=RunContext.default()).values for part in (train, test))
    groups = find_near_duplicates(train).groups
    return metric.of(test.targets, adapt(x, train.targets, task=train.task, groups=groups).head.outputs(z))


def show(name: str, runs: list[Choice]) -> float:
    """Print a line, and give the gain in points."""
    usual, score = np.mean([run.usual_score for run in runs]), np.mean([run.score for run in runs])
    chosen = ", ".join(sorted({run.source for run in runs}))
    print(
        f"{name:<15} n={runs[0].n_train:<6} {runs[0].metric:<24} usual {usual:.3f}  chosen {score:.3f}  "
        f"gain {100 * (score - usual):+.1f} points | {chosen} | first ranking {runs[0].seconds:.0f} s",
        flush=True,
    )
    return float(100 * (score - usual))


if __name__ == "__main__":
    main()
