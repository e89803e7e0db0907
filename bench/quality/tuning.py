"""What does each method gain, and is it kept where it should be? Every tuning task, five seeds, on a test part nobody saw.

Accuracy counts classes evenly where as many of each were drawn from a demo that has them unevenly (`tasks.Task.is_uneven`).
For each task: the closed form; each method as the only method above it; and the whole tuning, as `--preset best` climbs it. Of a
method that was not kept, the network that it would have been is finished too, so that keeping can be judged on the test. The tuning
finds the single methods' networks again, so its seconds are at most the sum of theirs.
A method that would take longer than `--longest`, as the plan predicts, is left out, as a budget of that size would, and named.
Rows are kept, so that a bench that was killed goes on; the first seed of all tasks comes first.
Two processes on one thread each, with other tasks and results, take half the time of one on two threads; the report joins files.
Run: .venv/bin/python bench/quality/tuning.py [--tasks groceries,questions] [--seeds 5] [--longest 600] [--results FILE ...] [--report]
"""

from __future__ import annotations

import argparse
import sys
import time
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from results import Results, Row
from tasks import TASKS, Task, as_pair, halves, tasks_named

from headstart.core import registry
from headstart.core.tasks import get_task
from headstart.data import load
from headstart.engines.clock import Clock
from headstart.engines.heap import keeping_freed_memory
from headstart.engines.threads import n_threads
from headstart.features import embed
from headstart.pipeline.tuning import prepared, tried_of
from headstart.sources import open_source
from headstart.storage.files import cache_folder
from headstart.tuning import tune
from headstart.tuning.cross_fitting import cross_fit, refit_on_all
from headstart.tuning.plan import plan
from headstart.tuning.running_loss import Diverged
from headstart.tuning.selection import CLOSED_FORM, supported_methods
from quality import arena_of

if TYPE_CHECKING:
    from headstart.core.dataset import Dataset, FloatArray
    from headstart.evaluation import Experiment
    from headstart.tuning import TuningProblem, TuningResult
    from headstart.tuning.cross_fitting import CrossFit
    from headstart.tuning.plan import PlannedRun
    from headstart.tuning.tuning_method import TuningMethod

LADDER = "best"
TOLERANCE = 0.005  # the whole tuning may lie so far below a single method, in the mean


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--tasks", default=",".join(task.name for task in TASKS))
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--results", type=Path, nargs="+", default=[cache_folder() / "bench" / "ladder.jsonl"])
    parser.add_argument(
        "--longest", type=float, default=600, help="seconds that a method may take, as the plan predicts"
    )
    parser.add_argument("--report", action="store_true", help="only print what is there")
    arguments = parser.parse_args()
    tasks = tasks_named(arguments.tasks.split(","))
    results = [Results.open(path) for path in arguments.results]
    if not arguments.report:
        with keeping_freed_memory():
            for seed in range(arguments.seeds):
                for task in tasks:
                    measure(Cell(task, seed, arguments.longest), results[0])
    report(Results(arguments.results[0], [row for one in results for row in one.rows]), tasks)


def measure(cell: Cell, results: Results) -> None:
    """A row for the closed form, for each method alone, and for the tuning."""
    for result in (CLOSED_FORM, *suiting(cell.task), LADDER):
        row = results.get_or_compute(lambda r=result: cell.row(r), task=cell.task.name, result=result, seed=cell.seed)
        print(
            f"{cell.task.name:<20} seed {cell.seed}  {result:<14} {row['accuracy']:.3f}  {row['seconds']:.0f} s",
            flush=True,
        )


def suiting(task: Task) -> list[str]:
    """Strategies that can be tried on the task's source at all."""
    source = open_source(task.source)
    return [
        name
        for name in registry.names("tuning_methods")
        if registry.get("tuning_methods", name)().supports(source, get_task("multiclass"))
    ]


@dataclass(frozen=True)
class Cell:
    """One task on one split; what several methods share is computed once."""

    task: Task
    seed: int
    longest_s: float
    _accuracies: dict[Any, float] = field(default_factory=dict)

    def row(self, result: str) -> Row:
        """What held-out items say of a method, and what the test part says."""
        started = time.perf_counter()
        common = {"n": len(self.halves[0]), "n_test": len(self.halves[1]), "threads": n_threads()}
        if result == CLOSED_FORM:
            accuracy = self.accuracy_of_closed_form
            return common | {"seconds": round(time.perf_counter() - started, 1), "accuracy": accuracy}
        (tuning_problem, folds, below), planned = self.prepared, self.planned(result)
        tuning_result = tune(tuning_problem, planned, folds, below=below, clock=Clock(None))
        results = self.described(tuning_result)
        accuracy = self.accuracy_of(tuning_result.best) if tuning_result.best else self.accuracy_of_closed_form
        row = common | {
            "seconds": round(sum(one["seconds"] for one in results), 1),
            "accuracy": accuracy,
            "method": tuning_result.best.method.name if tuning_result.best else CLOSED_FORM,
            "results": results,
        }
        if result == LADDER or not planned:
            return row
        alone, n_seen = accuracy, results[-1]["metric"]["n"] if results[-1]["metric"] else 0
        if not tuning_result.best and n_seen:  # a run that diverged gives no network to be asked
            seen = cross_fit(
                tuning_problem,
                planned[0].method,
                folds,
                should_continue=lambda cross_fitted: len(cross_fitted.index) < n_seen,
            )
            alone = self.accuracy_of(seen)
        return row | {"kept": results[-1]["kept"], "alone": alone}

    @cached_property
    def halves(self) -> tuple[Dataset, Dataset]:
        """To learn from, and to test on."""
        return halves(self.task, self.seed)

    @cached_property
    def experiment(self) -> Experiment:
        """As `fit` makes it, of a dataset that comes with its test part where the task is a whole demo."""
        source, parts = open_source(self.task.source), [as_pair(half) for half in self.halves]
        if self.task.is_whole:
            splits = np.repeat(["train", "test"], [len(half) for half in self.halves])
            dataset = replace(load(tuple(a + b for a, b in zip(*parts, strict=True))), splits=splits)
        else:
            dataset = load(parts[0])
        return arena_of(dataset, embed(dataset.items, source, progress=None).values, source, self.seed)[0]

    @cached_property
    def prepared(self) -> tuple[TuningProblem, list[Any], FloatArray]:
        """What `tune` takes."""
        return prepared(self.experiment)

    @cached_property
    def plans(self) -> dict[str, PlannedRun]:
        """Of each method that suits, what it starts from and how long it would take."""
        tuning_problem, folds, _ = self.prepared
        methods = [one for name in suiting(self.task) for one in self.methods(name)]
        return {one.name: one for one in plan(tuning_problem, methods, folds)}

    def planned(self, result: str) -> list[PlannedRun]:
        """The one of that name, or all that pay; without those that take too long."""
        names = [one.name for one in self.methods(None)] if result == LADDER else [result]
        return [self.plans[name] for name in names if self.plans[name].seconds <= self.longest_s]

    def methods(self, name: str | None) -> list[TuningMethod]:
        """The one of that name, or all that suit and pay."""
        targets = self.experiment.dataset.targets
        return supported_methods(self.prepared[0].source, self.experiment.dataset.task, *targets.shape, name=name)

    def described(self, tuning_result: TuningResult) -> list[Row]:
        """The methods as the report has them."""
        metric = self.experiment.dataset.task_spec.headline(self.experiment.dataset.targets)
        sections = tried_of(tuning_result, self.experiment, self.prepared[0]).sections(self.experiment, metric)
        return [dict(result) for section in sections for result in section.results]

    @cached_property
    def accuracy_of_closed_form(self) -> float:
        """On the test part."""
        source = open_source(self.task.source)
        features = embed(self.halves[1].items, source, progress=None).values
        return self._accuracy(self.experiment.adapt(self.experiment.plan.final).head.outputs(features))

    def accuracy_of(self, cross_fitted: CrossFit) -> float:
        """Of the network tuned on everything as the cross-fit says, on the test part; of the closed form, where that diverges."""
        tuning_problem = self.prepared[0]
        key = cross_fitted.method.name, tuple(cross_fitted.how(tuning_problem.problem).items())
        if key not in self._accuracies:
            try:
                source, head = refit_on_all(
                    tuning_problem, cross_fitted, np.arange(len(tuning_problem.items)), dataset=self.task.name
                )
            except Diverged:
                return self.accuracy_of_closed_form
            features = embed(self.halves[1].items, source, progress=None, cache=False).values
            self._accuracies[key] = self._accuracy(head.outputs(features))
        return self._accuracies[key]

    def _accuracy(self, outputs: FloatArray) -> float:
        test = self.halves[1]
        aligned = np.zeros(test.targets.shape)
        aligned[:, np.searchsorted(test.labels, self.experiment.dataset.labels)] = outputs
        metric = test.task_spec.metric("balanced accuracy" if self.task.counts_evenly else "accuracy")
        return metric.of(test.targets, aligned)


@dataclass(frozen=True)
class Compared:
    """One method beside the closed form on the same split.

    `gain` is that of the report, on held-out items; `truth` and `final` are points on the test: the method's own network over
    the closed form, and the whole tuning over the method's network.
    """

    kept: bool
    predict_metric: float
    seconds: float
    gain: float
    truth: float
    final: float | None

    @property
    def was_right(self) -> bool:
        """Whether keeping, or not keeping, gave the better model on the test; as good counts."""
        return self.truth >= 0 if self.kept else self.truth <= 0


def compared(results: Results, task: Task, result: str) -> list[Compared]:
    """One entry a seed."""
    made = []
    for row in results.find(task=task.name, result=result):
        if "alone" not in row:  # it would have taken too long
            continue
        base, final = (results.find(task=task.name, result=other, seed=row["seed"]) for other in (CLOSED_FORM, LADDER))
        last = row["results"][-1]
        made.append(
            Compared(
                kept=row["kept"],
                predict_metric=last["planned_s"],
                seconds=last["seconds"],
                gain=100 * (last["gain"]["value"] if last["gain"] else np.nan),
                truth=100 * (row["alone"] - base[-1]["accuracy"]),
                final=100 * (final[-1]["accuracy"] - row["alone"]) if final else None,
            )
        )
    return made


def report(results: Results, tasks: list[Task]) -> None:
    """A line a task and method, then all tasks together."""
    everything: dict[str, list[Compared]] = {}
    for task in tasks:
        for result in (CLOSED_FORM, LADDER):
            rows = results.find(task=task.name, result=result)
            if rows:
                accuracies = [row["accuracy"] for row in rows]
                seconds = np.mean([spent(results, row) for row in rows])
                print(
                    f"{task.name:<20} {result:<14} {len(rows)} seeds  accuracy {np.mean(accuracies):.3f}  {seconds:6.1f} s"
                )
        for result in registry.names("tuning_methods"):
            ones = compared(results, task, result)
            if not ones and results.find(task=task.name, result=result):
                print(f"{task.name:<20} {result:<14} not tried: it would take too long")
            if ones:
                everything[result] = everything.get(result, []) + ones
                accuracy = np.mean(
                    [row["alone"] for row in results.find(task=task.name, result=result) if "alone" in row]
                )
                print(f"{task.name:<20} {result:<14} {len(ones)} seeds  accuracy {accuracy:.3f}  {describe_plan(ones)}")
    finals = {result: [one.final for one in ones if one.final is not None] for result, ones in everything.items()}
    for result, ones in everything.items():
        print(f"{'all tasks':<20} {result:<14} {len(ones)} runs   {describe_plan(ones)}")
    base = [
        100 * (final["accuracy"] - row["accuracy"])
        for final in results.find(result=LADDER)
        for row in results.find(result=CLOSED_FORM, task=final["task"], seed=final["seed"])
    ]
    below = {result: float(np.mean(points)) for result, points in {CLOSED_FORM: base, **finals}.items() if points}
    print(
        "the whole tuning over each method, points: "
        + ", ".join(f"{result} {mean:+.2f}" for result, mean in below.items())
    )
    sys.exit(any(mean < -100 * TOLERANCE for mean in below.values()))


def spent(results: Results, row: Row) -> float:
    """Seconds of a row; of the whole tuning, which finds the networks of the single methods again, those of all of them."""
    cell = results.find(task=row["task"], seed=row["seed"])
    return sum(one["seconds"] for one in cell) if row["result"] == LADDER else row["seconds"]


def describe_plan(ones: list[Compared]) -> str:
    kept, right = [one for one in ones if one.kept], sum(one.was_right for one in ones)
    seconds, predict_metric = np.mean([one.seconds for one in ones]), np.mean([one.predict_metric for one in ones])
    words = f"{seconds:6.1f} s (at most {predict_metric:.0f} predicted)  gain, held-out items {np.nanmean([one.gain for one in ones]):+5.2f}"
    return (
        f"{words}, test {np.mean([one.truth for one in ones]):+5.2f} points  kept {len(kept)} of {len(ones)}, "
        f"right on the test {right} of {len(ones)} (where kept, {sum(one.was_right for one in kept)})"
    )


if __name__ == "__main__":
    main()
