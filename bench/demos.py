"""The real data of the benches: the demos, laid out in ./demo as `make fetch` does, and small parts of them."""

from __future__ import annotations

import csv
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from headstart.data import demo, load

if TYPE_CHECKING:
    from collections.abc import Mapping

    from headstart.core.dataset import Dataset, IntArray

FOLDER = Path("demo")


def demo_folder(name: str) -> Path:
    """Lay a demo out, if it is not there."""
    return demo(name, FOLDER / name)


def demo_dataset(
    name: str, *, keep: tuple[str, str] | None = None, columns: Mapping[str, str] | None = None
) -> Dataset:
    """Load a demo; `keep` leaves the rows of one value and drops that column, `columns` names those to read (`load`)."""
    folder, read = demo_folder(name), columns or {}
    if keep is None:
        return load(folder, input=read.get("input"), target=read.get("target"))
    import pandas as pd

    table = pd.read_csv(folder / f"{name}.csv")
    table = table[table[keep[0]] == keep[1]].drop(columns=keep[0]).reset_index(drop=True)
    return load(table, input=read.get("input"), target=read.get("target"))


def splits_of(dataset: Dataset) -> np.ndarray[Any, np.dtype[np.str_]]:
    """The split of each item, of a demo that has a test part."""
    assert dataset.splits is not None
    return dataset.splits


def own_parts(dataset: Dataset, seed: int) -> tuple[IntArray, IntArray]:
    """What a dataset keeps for training and for its test: all of it at seed 0, nine tenths of the first part at others."""
    train, test = (np.flatnonzero((splits_of(dataset) == "test") == is_test) for is_test in (False, True))
    keep = np.random.default_rng(seed).permutation(train)[: round(0.9 * len(train))] if seed else train
    return np.sort(keep), test


def as_pair(dataset: Dataset) -> tuple[list[Any], list[str]]:
    """Items and the names of their classes, as `headstart.fit` takes them."""
    return list(dataset.items), [dataset.labels[code] for code in dataset.codes]


def spread(items: list[Any], n: int) -> list[Any]:
    """Take `n` items, or all if there are fewer, evenly over the list."""
    return items[:: max(1, len(items) // n)][:n]


def photo_folder(folder: Path, per_class: int) -> Path:
    """Write so many photos of groceries a class, of its training part and of its test part each, as class folders."""
    dataset = demo_dataset("groceries")
    for split in ("train", "test"):
        for code, label in enumerate(dataset.labels):
            (folder / split / label).mkdir(parents=True)
            for i in np.flatnonzero((splits_of(dataset) == split) & (dataset.codes == code))[:per_class]:
                shutil.copy(dataset.items[i], folder / split / label)
    return folder


def text_table(path: Path, name: str, n: int) -> Path:
    """Write so many texts of a demo, drawn once (fewer are the first of more), as a CSV with the columns text and label."""
    dataset = demo_dataset(name)
    kept = np.random.default_rng(0).permutation(len(dataset))[:n]
    with path.open("w", newline="") as file:
        rows = [(dataset.items[i], dataset.labels[dataset.codes[i]]) for i in kept]
        csv.writer(file).writerows([("text", "label"), *rows])
    return path


def column_table(path: Path, name: str, n: int) -> Path:
    """Write so many rows of a demo of a table, drawn once (fewer are the first of more), as a CSV with all its columns."""
    folder = demo_folder(name)
    with (folder / f"{name}.csv").open(newline="") as file:
        names, *rows = csv.reader(file)
    kept = np.random.default_rng(0).permutation(len(rows))[:n]
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([names, *(rows[i] for i in kept)])
    return path
