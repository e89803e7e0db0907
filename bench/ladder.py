"""What does each rung gain, and is it kept where it should be? Every tuning task, five seeds, on a test part nobody saw.

For each task: the closed form; each strategy as the only rung above it; and the whole ladder, as `--preset best` climbs it. Of a
rung that was not kept, the network that it would have been is finished too, so that keeping can be judged on the test.
All runs share one cache, in which the ladder finds the single rungs' networks again: its own seconds mean little.
Rows are kept, so that a bench that was killed goes on; the first seed of all tasks comes first.
Run: .venv/bin/python bench/ladder.py [--tasks groceries,questions] [--seeds 5] [--report]
"""

from __future__ import annotations

import argparse
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

import headstart
from headstart.core import registry
from headstart.data import load
from headstart.engines.files import cache_folder
from headstart.engines.threads import n_threads
from headstart.features import embed
from headstart.line.climbing import _apart, _folds, _ground
from headstart.sources import open_source
from headstart.tuning.ladder import CLOSED_FORM
from headstart.tuning.rung import cross_fit, finished
from quality import arena_of
from results import Results, Row
from tasks import TASKS, Task, as_pair, halves, tasks_named

if TYPE_CHECKING:
    from headstart.core.dataset import Dataset
    from headstart.line.fitted import Fitted

LADDER = "best"
TOLERANCE = 0.005  # the whole ladder may lie so far below a single rung, in the mean


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--tasks", default=",".join(task.name for task in TASKS))
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--results", type=Path, default=cache_folder() / "bench" / "ladder.jsonl")
    parser.add_argument("--report", action="store_true", help="only print what is there")
    arguments = parser.parse_args()
    results, tasks = Results.open(arguments.results), tasks_named(arguments.tasks.split(","))
    for seed in range(0 if arguments.report else arguments.seeds):
        for task in tasks:
            for rung in (CLOSED_FORM, *suitable(task), LADDER):
                row = results.recall(lambda t=task, r=rung, s=seed: run(t, r, s), task=task.name, rung=rung, seed=seed)
                print(
                    f"{task.name:<20} seed {seed}  {rung:<14} {row['accuracy']:.3f}  {row['seconds']:.0f} s", flush=True
                )
    report(results, tasks)


def suitable(task: Task) -> list[str]:
    """Strategies that can be tried on the task's source at all."""
    source = open_source(task.source)
    return [
        name for name in registry.names("strategies") if registry.get("strategies", name)().suits(source, "multiclass")
    ]


def run(task: Task, rung: str, seed: int) -> Row:
    """One rung on one split: what the fit says of it, and what the test part says."""
    learn, test = halves(task, seed)
    started = time.perf_counter()
    fitted = fit_rung(rung, learn, task.source, seed)
    seconds = time.perf_counter() - started
    truth = as_pair(test)[1]
    accuracy = float(np.mean([a == b for a, b in zip(fitted.predict(test.items), truth, strict=True)]))
    row = {"n": len(learn), "n_test": len(test), "threads": n_threads(), "seconds": round(seconds, 1)}
    row |= {"accuracy": accuracy, "strategy": fitted.report.strategy, "rungs": list(fitted.report.rungs)}
    if rung in (CLOSED_FORM, LADDER):
        return row
    last = fitted.report.rungs[-1]
    is_made = last["kept"] or last["metric"] is None  # a run that diverged gives no network to be asked
    return row | {
        "kept": last["kept"],
        "alone": accuracy if is_made else accuracy_alone(rung, learn, test, task.source, seed),
    }


def fit_rung(rung: str, learn: Dataset, source: str, seed: int) -> Fitted:
    """Fit the closed form, with one strategy above it, or with all of them."""
    options: dict[str, Any] = {"strategy": "auto" if rung == CLOSED_FORM else rung}
    if rung == LADDER:
        options = {"preset": LADDER, "max_sources": 1}
    return headstart.fit(as_pair(learn), source=source, rivals="none", seed=seed, progress=None, **options)


def accuracy_alone(rung: str, learn: Dataset, test: Dataset, source_name: str, seed: int) -> float:
    """The test accuracy of a rung's network though it was not kept; its trials are remembered from the fit."""
    source, strategy = open_source(source_name), registry.get("strategies", rung)()
    dataset = load(as_pair(learn))
    features = embed(dataset.items, source, progress=None).values
    arena, _ = arena_of(dataset, features, source, seed)
    apart = _apart(arena)
    ground = _ground(arena, source, apart)
    trial = cross_fit(ground, strategy, strategy.settings, _folds(arena, apart))
    tuned, head = finished(ground, trial, np.arange(len(ground.items)), dataset=dataset.name)
    outputs = head.outputs(embed(test.items, tuned, progress=None, cache=False).values)
    labels = [dataset.labels[code] for code in outputs.argmax(axis=1)]
    return float(np.mean([a == b for a, b in zip(labels, as_pair(test)[1], strict=True)]))


@dataclass(frozen=True)
class Compared:
    """One rung beside the closed form on the same split.

    `gain` is that of the report, on held-out items; `truth` and `final` are points on the test: the rung's own network over
    the closed form, and the whole ladder over the rung's network.
    """

    kept: bool
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
        base, final = (results.find(task=task.name, rung=other, seed=row["seed"]) for other in (CLOSED_FORM, LADDER))
        last = row["rungs"][-1]
        made.append(
            Compared(
                kept=row["kept"],
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
                seconds = np.mean([row["seconds"] for row in rows])
                print(
                    f"{task.name:<20} {rung:<14} {len(rows)} seeds  accuracy {np.mean(accuracies):.3f}  {seconds:6.1f} s"
                )
        for rung in registry.names("strategies"):
            ones = compared(results, task, rung)
            if ones:
                everything[rung] = everything.get(rung, []) + ones
                accuracy = np.mean([row["alone"] for row in results.find(task=task.name, rung=rung)])
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


def told(ones: list[Compared]) -> str:
    kept, right = [one for one in ones if one.kept], sum(one.was_right for one in ones)
    words = f"{np.mean([one.seconds for one in ones]):6.1f} s  gain, held-out items {np.nanmean([one.gain for one in ones]):+5.2f}"
    return (
        f"{words}, test {np.mean([one.truth for one in ones]):+5.2f} points  kept {len(kept)} of {len(ones)}, "
        f"right on the test {right} of {len(ones)} (where kept, {sum(one.was_right for one in kept)})"
    )


if __name__ == "__main__":
    main()
