"""What settings do searches like? Runs them on demos and writes the table from which later searches begin.

A line is written where the best run of a search lost less on held-out items than the strategy's own settings did.
Run: .venv/bin/python bench/starting_points.py [--tasks questions-8,groceries] [--strategies contrastive] [--budget 300] [--write]
"""

from __future__ import annotations

import argparse
import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from headstart.adaptation.problem import Problem
from headstart.core import registry
from headstart.data import demo, load
from headstart.data.near_duplicates import find_near_duplicates
from headstart.engines.files import cache_folder, write_file
from headstart.engines.journal import Journal
from headstart.features import embed
from headstart.sources import open_source
from headstart.tuning import Ground
from headstart.tuning.rung import searched
from headstart.tuning.search import SEARCHED

TABLE = Path("src/headstart/tuning/starting_points.toml")
HEADER = "# Made by bench/starting_points.py: settings whose run lost less on held-out items than those that the strategy starts from.\n"
SOURCES = {"image": "efficientnet-lite0", "text": "all-minilm-l6-v2"}


@dataclass(frozen=True)
class Task:
    """So many items of each class of a demo, without those that it keeps for a test."""

    demo: str
    per_class: int

    @property
    def name(self) -> str:
        return f"{self.demo}-{self.per_class}"


TASKS = (
    *(Task("questions", n) for n in (8, 64)),
    *(Task("complaints", n) for n in (8, 64)),
    Task("cifar10", 50),
    Task("groceries", 50),
    Task("traffic-lights", 50),
)


def ground_of(task: Task, seed: int = 0) -> Ground:
    """The drawn items, embedded, with near-duplicates kept together."""
    dataset = load(demo(task.demo, Path("demo") / task.demo))
    labels = dataset.targets.argmax(axis=1)
    open_to_learn = np.ones(len(dataset), bool) if dataset.splits is None else dataset.splits != "test"
    order = np.random.default_rng(seed).permutation(np.flatnonzero(open_to_learn))
    drawn = [order[labels[order] == label][: task.per_class] for label in np.unique(labels)]
    dataset = dataset.take(np.sort(np.concatenate(drawn)))
    source = open_source(SOURCES[dataset.modality])
    features = embed(dataset.items, source).values
    groups = find_near_duplicates(features, dataset.groups).groups
    problem = Problem(features=features, targets=dataset.targets, task=dataset.task, groups=groups, seed=seed)
    return Ground(
        source=source,
        items=dataset.items,
        problem=problem,
        apart=groups,
        head="auto",
        journal=Journal(cache_folder() / "journal"),
    )


def line_of(task: Task, name: str, budget_s: float) -> str | None:
    """Search and print; what the table says of it, or None where nothing is better than the start."""
    ground, strategy = ground_of(task), registry.get("strategies", name)()
    if not strategy.suits(ground.source, ground.problem.task):
        return None
    everything = np.arange(len(ground.items))
    found = searched(ground, strategy, (everything, everything[:0]), budget_s=budget_s)
    if not found.tried:
        print(f"{task.name}, {name}: no run fits into {budget_s:.0f} s", flush=True)
        return None
    counts = {ended: sum(a.ended == ended for a in found.tried) for ended in ("finished", "pruned", "diverged")}
    first, best = ((a.loss for a in found.tried if a.settings == s) for s in (found.tried[0].settings, found.best))
    start_loss, best_loss = next(first, math.inf), next(best, math.inf)
    print(f"{task.name}, {name}: {start_loss:.4f} at the start, {best_loss:.4f} at best; {counts}", flush=True)
    if best_loss >= start_loss:
        return None
    settings = ", ".join(f"{key} = {getattr(found.best, key):.3g}" for key in SEARCHED)
    return "\n".join(
        [
            "[[points]]",
            f'task = "{task.name}"',
            f'strategy = "{name}"',
            f'architecture = "{ground.source.card.architecture}"',
            f"loss = {best_loss:.4f}",
            f"loss_at_start = {start_loss:.4f}",
            f"settings = {{ {settings} }}",
        ]
    )


def main() -> None:
    """Search for each task and strategy."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tasks", default=",".join(task.name for task in TASKS))
    parser.add_argument("--strategies", default=",".join(registry.names("strategies")))
    parser.add_argument("--budget", type=float, default=300.0, help="seconds for each search")
    parser.add_argument("--write", action="store_true", help="write the table")
    options = parser.parse_args()
    chosen = [task for task in TASKS if task.name in options.tasks.split(",")]
    lines = [line_of(task, name, options.budget) for task in chosen for name in options.strategies.split(",")]
    table = "\n\n".join([HEADER.strip(), *(line for line in lines if line)]) + "\n"
    print(table)
    if options.write:
        write_file(TABLE, table.encode())


if __name__ == "__main__":
    main()
