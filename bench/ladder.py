"""What does each rung gain, and is it kept where it should be? Every tuning task, five seeds, on a test part nobody saw.

Accuracy counts classes evenly where as many of each were drawn from a demo that has them unevenly (`tasks.Task.is_uneven`).
For each task: the closed form; each strategy as the only rung above it; and the whole ladder, as `--preset best` climbs it. Of a
rung that was not kept, the network that it would have been is finished too, so that keeping can be judged on the test. The ladder
finds the single rungs' networks again, so its seconds are at most the sum of theirs.
A rung that would take longer than `--longest`, as the plan foretells, is left out, as a budget of that size would, and named.
Rows are kept, so that a bench that was killed goes on; the first seed of all tasks comes first.
Two processes on one thread each, with other tasks and results, take half the time of one on two threads; the report joins files.
Run: .venv/bin/python bench/ladder.py [--tasks groceries,questions] [--seeds 5] [--longest 600] [--results FILE ...] [--report]
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

from headstart.core import registry
from headstart.core.tasks import get_task
from headstart.data import load
from headstart.engines.clock import Clock
from headstart.engines.files import cache_folder
from headstart.engines.memory import keeping_freed_memory
from headstart.engines.threads import n_threads
from headstart.features import embed
from headstart.line.climbing import prepared, tried_of
from headstart.sources import open_source
from headstart.tuning import climb
from headstart.tuning.ladder import CLOSED_FORM, suitable
from headstart.tuning.plan import plan
from headstart.tuning.rung import cross_fit, finished
from headstart.tuning.running_loss import Diverged
from quality import arena_of
from results import Results, Row
from tasks import TASKS, Task, as_pair, halves, tasks_named

if TYPE_CHECKING:
    from headstart.core.dataset import Dataset, FloatArray
    from headstart.proof import Arena
    from headstart.tuning import Climbed, Ground
    from headstart.tuning.plan import Planned
    from headstart.tuning.rung import Trial
    from headstart.tuning.strategy import Strategy

LADDER = "best"
TOLERANCE = 0.005  # the whole ladder may lie so far below a single rung, in the mean


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--tasks", default=",".join(task.name for task in TASKS))
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--results", type=Path, nargs="+", default=[cache_folder() / "bench" / "ladder.jsonl"])
    parser.add_argument(
        "--longest", type=float, default=600, help="seconds that a rung may take, as the plan foretells"
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
    """A row for the closed form, for each strategy alone, and for the ladder."""
    for rung in (CLOSED_FORM, *suiting(cell.task), LADDER):
        row = results.recall(lambda r=rung: cell.row(r), task=cell.task.name, rung=rung, seed=cell.seed)
        print(
            f"{cell.task.name:<20} seed {cell.seed}  {rung:<14} {row['accuracy']:.3f}  {row['seconds']:.0f} s",
            flush=True,
        )


def suiting(task: Task) -> list[str]:
    """Strategies that can be tried on the task's source at all."""
    source = open_source(task.source)
    return [
        name
        for name in registry.names("strategies")
        if registry.get("strategies", name)().suits(source, get_task("multiclass"))
    ]


@dataclass(frozen=True)
class Cell:
    """One task on one split; what several rungs share is computed once."""

    task: Task
    seed: int
    longest_s: float
    _accuracies: dict[Any, float] = field(default_factory=dict)

    def row(self, rung: str) -> Row:
        """What held-out items say of a rung, and what the test part says."""
        started = time.perf_counter()
        common = {"n": len(self.halves[0]), "n_test": len(self.halves[1]), "threads": n_threads()}
        if rung == CLOSED_FORM:
            accuracy = self.accuracy_of_closed_form
            return common | {"seconds": round(time.perf_counter() - started, 1), "accuracy": accuracy}
        (ground, folds, below), planned = self.prepared, self.planned(rung)
        climbed = climb(ground, planned, folds, below=below, clock=Clock(None))
        rungs = self.described(climbed)
        accuracy = self.accuracy_of(climbed.best) if climbed.best else self.accuracy_of_closed_form
        row = common | {
            "seconds": round(sum(one["seconds"] for one in rungs), 1),
            "accuracy": accuracy,
            "strategy": climbed.best.strategy.name if climbed.best else CLOSED_FORM,
            "rungs": rungs,
        }
        if rung == LADDER or not planned:
            return row
        alone, n_seen = accuracy, rungs[-1]["metric"]["n"] if rungs[-1]["metric"] else 0
        if not climbed.best and n_seen:  # a run that diverged gives no network to be asked
            seen = cross_fit(ground, planned[0].strategy, folds, goes_on=lambda trial: len(trial.index) < n_seen)
            alone = self.accuracy_of(seen)
        return row | {"kept": rungs[-1]["kept"], "alone": alone}

    @cached_property
    def halves(self) -> tuple[Dataset, Dataset]:
        """To learn from, and to test on."""
        return halves(self.task, self.seed)

    @cached_property
    def arena(self) -> Arena:
        """As `fit` makes it, of a dataset that comes with its test part where the task is a whole demo."""
        source, parts = open_source(self.task.source), [as_pair(half) for half in self.halves]
        if self.task.is_whole:
            splits = np.repeat(["train", "test"], [len(half) for half in self.halves])
            dataset = replace(load(tuple(a + b for a, b in zip(*parts, strict=True))), splits=splits)
        else:
            dataset = load(parts[0])
        return arena_of(dataset, embed(dataset.items, source, progress=None).values, source, self.seed)[0]

    @cached_property
    def prepared(self) -> tuple[Ground, list[Any], FloatArray]:
        """What `climb` takes."""
        return prepared(self.arena)

    @cached_property
    def plans(self) -> dict[str, Planned]:
        """Of each strategy that suits, what it starts from and how long it would take."""
        ground, folds, _ = self.prepared
        strategies = [one for name in suiting(self.task) for one in self.strategies(name)]
        return {one.name: one for one in plan(ground, strategies, folds)}

    def planned(self, rung: str) -> list[Planned]:
        """The one of that name, or all that pay; without those that take too long."""
        names = [one.name for one in self.strategies(None)] if rung == LADDER else [rung]
        return [self.plans[name] for name in names if self.plans[name].seconds <= self.longest_s]

    def strategies(self, name: str | None) -> list[Strategy]:
        """The one of that name, or all that suit and pay."""
        targets = self.arena.dataset.targets
        return suitable(self.prepared[0].source, self.arena.dataset.task, *targets.shape, name=name)

    def described(self, climbed: Climbed) -> list[Row]:
        """The rungs as the report has them."""
        metric = self.arena.dataset.task_spec.headline(self.arena.dataset.targets)
        sections = tried_of(climbed, self.arena, self.prepared[0]).sections(self.arena, metric)
        return [dict(rung) for section in sections for rung in section.rungs]

    @cached_property
    def accuracy_of_closed_form(self) -> float:
        """On the test part."""
        source = open_source(self.task.source)
        features = embed(self.halves[1].items, source, progress=None).values
        return self._accuracy(self.arena.adapt(self.arena.plan.final).head.outputs(features))

    def accuracy_of(self, trial: Trial) -> float:
        """Of the network tuned on everything as the trial says, on the test part; of the closed form, where that diverges."""
        ground = self.prepared[0]
        key = trial.strategy.name, tuple(trial.how(ground.problem).items())
        if key not in self._accuracies:
            try:
                source, head = finished(ground, trial, np.arange(len(ground.items)), dataset=self.task.name)
            except Diverged:
                return self.accuracy_of_closed_form
            features = embed(self.halves[1].items, source, progress=None, cache=False).values
            self._accuracies[key] = self._accuracy(head.outputs(features))
        return self._accuracies[key]

    def _accuracy(self, outputs: FloatArray) -> float:
        test = self.halves[1]
        aligned = np.zeros(test.targets.shape)
        aligned[:, np.searchsorted(test.labels, self.arena.dataset.labels)] = outputs
        metric = test.task_spec.metric("balanced accuracy" if self.task.counts_evenly else "accuracy")
        return metric.of(test.targets, aligned)


@dataclass(frozen=True)
class Compared:
    """One rung beside the closed form on the same split.

    `gain` is that of the report, on held-out items; `truth` and `final` are points on the test: the rung's own network over
    the closed form, and the whole ladder over the rung's network.
    """

    kept: bool
    foretold: float
    seconds: float
    gain: float
    truth: float
    final: float | None

    @property
    def was_right(self) -> bool:
        """Whether keeping, or not keeping, gave the better model on the test; as good counts."""
        return self.truth >= 0 if self.kept else self.truth <= 0


def compared(results: Results, task: Task, rung: str) -> list[Compared]:
    """One entry a seed."""
    made = []
    for row in results.find(task=task.name, rung=rung):
        if "alone" not in row:  # it would have taken too long
            continue
        base, final = (results.find(task=task.name, rung=other, seed=row["seed"]) for other in (CLOSED_FORM, LADDER))
        last = row["rungs"][-1]
        made.append(
            Compared(
                kept=row["kept"],
                foretold=last["planned_s"],
                seconds=last["seconds"],
                gain=100 * (last["gain"]["value"] if last["gain"] else np.nan),
                truth=100 * (row["alone"] - base[-1]["accuracy"]),
                final=100 * (final[-1]["accuracy"] - row["alone"]) if final else None,
            )
        )
    return made


def report(results: Results, tasks: list[Task]) -> None:
    """A line a task and rung, then all tasks together."""
    everything: dict[str, list[Compared]] = {}
    for task in tasks:
        for rung in (CLOSED_FORM, LADDER):
            rows = results.find(task=task.name, rung=rung)
            if rows:
                accuracies = [row["accuracy"] for row in rows]
                seconds = np.mean([spent(results, row) for row in rows])
                print(
                    f"{task.name:<20} {rung:<14} {len(rows)} seeds  accuracy {np.mean(accuracies):.3f}  {seconds:6.1f} s"
                )
        for rung in registry.names("strategies"):
            ones = compared(results, task, rung)
            if not ones and results.find(task=task.name, rung=rung):
                print(f"{task.name:<20} {rung:<14} not tried: it would take too long")
            if ones:
                everything[rung] = everything.get(rung, []) + ones
                accuracy = np.mean([row["alone"] for row in results.find(task=task.name, rung=rung) if "alone" in row])
                print(f"{task.name:<20} {rung:<14} {len(ones)} seeds  accuracy {accuracy:.3f}  {told(ones)}")
    finals = {rung: [one.final for one in ones if one.final is not None] for rung, ones in everything.items()}
    for rung, ones in everything.items():
        print(f"{'all tasks':<20} {rung:<14} {len(ones)} runs   {told(ones)}")
    base = [
        100 * (final["accuracy"] - row["accuracy"])
        for final in results.find(rung=LADDER)
        for row in results.find(rung=CLOSED_FORM, task=final["task"], seed=final["seed"])
    ]
    below = {rung: float(np.mean(points)) for rung, points in {CLOSED_FORM: base, **finals}.items() if points}
    print(
        "the whole ladder over each rung, points: " + ", ".join(f"{rung} {mean:+.2f}" for rung, mean in below.items())
    )
    sys.exit(any(mean < -100 * TOLERANCE for mean in below.values()))


def spent(results: Results, row: Row) -> float:
    """Seconds of a row; of the whole ladder, which finds the networks of the single rungs again, those of all of them."""
    cell = results.find(task=row["task"], seed=row["seed"])
    return sum(one["seconds"] for one in cell) if row["rung"] == LADDER else row["seconds"]


def told(ones: list[Compared]) -> str:
    kept, right = [one for one in ones if one.kept], sum(one.was_right for one in ones)
    seconds, foretold = np.mean([one.seconds for one in ones]), np.mean([one.foretold for one in ones])
    words = f"{seconds:6.1f} s (at most {foretold:.0f} foretold)  gain, held-out items {np.nanmean([one.gain for one in ones]):+5.2f}"
    return (
        f"{words}, test {np.mean([one.truth for one in ones]):+5.2f} points  kept {len(kept)} of {len(ones)}, "
        f"right on the test {right} of {len(ones)} (where kept, {sum(one.was_right for one in kept)})"
    )


if __name__ == "__main__":
    main()
