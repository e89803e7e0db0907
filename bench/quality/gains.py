"""Gains of models with pretrained parts over the best without, on the test parts of `bench/quality/together.py`: the prior of shipping."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

import numpy as np

from headstart.core.student import Z_95

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from bench.results import Row

    Table = list[dict[str, float | str]]

MIN_TASKS = 3  # whose gains make a row of the table; where fewer have that size, all sizes of the modality make it
MIN_DEVIATION = 0.01  # below it the test noise decides what is left


def gain_table(rows: Sequence[Row], *, without: str | None = None) -> Table:
    """The rows of `evaluation/gain_prior.toml`, one a modality and size; `without` leaves a task out.

    Gains count only where the model has a pretrained part and the metric is a fraction: elsewhere nothing is shrunk.
    """
    kept = [row for row in rows if row["task"] != without and row.get("test_gain") and row["has_transfer"]]
    return list(_table([row for row in kept if row["test_gain"]["unit"] == "fraction"]))


def _table(rows: Sequence[Row]) -> Iterator[dict[str, float | str]]:
    for modality in sorted({row["modality"] for row in rows}):
        own = [row for row in rows if row["modality"] == modality]
        sizes = defaultdict(list)
        for row in own:
            sizes[row["size"]].append(row)
        for size in sorted(sizes):
            enough = len({row["task"] for row in sizes[size]}) >= MIN_TASKS
            mean, deviation = mean_and_deviation(sizes[size] if enough else own)
            n_items = round(float(np.exp(np.mean([np.log(row["n"]) for row in sizes[size]]))))
            yield {"modality": modality, "n_items": n_items, "mean": mean, "deviation": deviation}


def mean_and_deviation(rows: Sequence[Row]) -> tuple[float, float]:
    """Of the true gains: tasks count the same, and what the test parts' own noise adds to the variance is taken away.

    From one task alone the deviation is unknown; it is the size of the gain then.
    """
    tasks = [row["task"] for row in rows]
    gains = np.array([row["test_gain"]["value"] for row in rows])
    errors = np.array([standard_error(row["test_gain"]) for row in rows])
    weights = np.array([1 / tasks.count(task) for task in tasks]) / len(set(tasks))
    mean, n = float(weights @ gains), len(set(tasks))
    if n == 1:
        return round(mean, 4), round(max(abs(mean), MIN_DEVIATION), 4)
    variance = float(weights @ (gains - mean) ** 2) * n / (n - 1) - float(weights @ errors**2)
    return round(mean, 4), round(max(variance, MIN_DEVIATION**2) ** 0.5, 4)


def standard_error(score: Row) -> float:
    """Of a score or a gain with its 95 % interval."""
    return float(score["high"] - score["low"]) / 2 / Z_95
