"""The report of `bench/quality/tuning.py`: a line a task and method, then all tasks together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from bench.methods import SELECTION
from headstart.core import registry
from headstart.tuning.trial import CLOSED_FORM

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.results import Results, Row
    from bench.tasks import Task

TOLERANCE = 0.5  # points that the whole selection may lie below a single method, in the mean


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """One method beside the closed form on the same split.

    Attributes
    ----------
    planned_s, seconds : predicted at most, and taken
    gain : points over the closed form that the report says, on held-out items
    test_gain : the same of the method's own network on the test
    selection_gain : points of the whole selection over that network on the test
    """

    kept: bool
    planned_s: float
    seconds: float
    accuracy: float
    gain: float
    test_gain: float
    selection_gain: float | None

    @property
    def was_right(self) -> bool:
        """Whether keeping, or not keeping, gave the better model on the test; as good counts."""
        return self.test_gain >= 0 if self.kept else self.test_gain <= 0


def report(results: Results, tasks: Sequence[Task]) -> None:
    """Print all lines."""
    for task in tasks:
        for title in (CLOSED_FORM, SELECTION):
            rows = results.find(task=task.name, result=title)
            if rows:
                accuracy = np.mean([row["accuracy"] for row in rows])
                seconds = np.mean([seconds_of(results, row) for row in rows])
                print(f"{task.name:<20} {title:<14} {len(rows)} seeds  accuracy {accuracy:.3f}  {seconds:6.1f} s")
        for method in registry.names("tuning_methods"):
            show(results, task, method)
    for method in registry.names("tuning_methods"):
        everything = [one for task in tasks for one in comparisons(results, task, method)]
        if everything:
            print(f"{'all tasks':<20} {method:<14} {len(everything)} runs   {described(everything)}")
    print(
        "the whole selection over each method, points: "
        + ", ".join(f"{name} {points:+.2f}" for name, points in selection_gains(results, tasks).items())
    )


def show(results: Results, task: Task, method: str) -> None:
    """Print the line of a method on a task, if it was tried."""
    found = comparisons(results, task, method)
    if found:
        accuracy = np.mean([one.accuracy for one in found])
        print(f"{task.name:<20} {method:<14} {len(found)} seeds  accuracy {accuracy:.3f}  {described(found)}")
    elif results.find(task=task.name, result=method):
        print(f"{task.name:<20} {method:<14} not tried: it would take too long")


def comparisons(results: Results, task: Task, method: str) -> list[Comparison]:
    """One entry a seed, of those for which the method would not have taken too long."""
    rows = results.find(task=task.name, result=method)
    return [_comparison(results, row) for row in rows if "alone" in row]


def _comparison(results: Results, row: Row) -> Comparison:
    base, selected = (
        results.find(task=row["task"], result=title, seed=row["seed"]) for title in (CLOSED_FORM, SELECTION)
    )
    tried = row["results"][-1]
    return Comparison(
        kept=row["kept"],
        planned_s=tried["planned_s"],
        seconds=tried["seconds"],
        accuracy=row["alone"],
        gain=100 * (tried["gain"]["value"] if tried["gain"] else np.nan),
        test_gain=100 * (row["alone"] - base[-1]["accuracy"]),
        selection_gain=100 * (selected[-1]["accuracy"] - row["alone"]) if selected else None,
    )


def selection_gains(results: Results, tasks: Sequence[Task]) -> dict[str, float]:
    """Mean points of the whole selection over the closed form and over each single method, on the test."""
    points = {
        CLOSED_FORM: [
            100 * (selected["accuracy"] - row["accuracy"])
            for selected in results.find(result=SELECTION)
            for row in results.find(result=CLOSED_FORM, task=selected["task"], seed=selected["seed"])
        ]
    }
    for method in registry.names("tuning_methods"):
        found = [one.selection_gain for task in tasks for one in comparisons(results, task, method)]
        points[method] = [gain for gain in found if gain is not None]
    return {name: float(np.mean(gains)) for name, gains in points.items() if gains}


def is_worse_than_a_method(results: Results, tasks: Sequence[Task]) -> bool:
    """Whether the whole selection lies below the closed form or a single method by more than is tolerated."""
    return any(points < -TOLERANCE for points in selection_gains(results, tasks).values())


def seconds_of(results: Results, row: Row) -> float:
    """Seconds of a row; of the selection, which finds the networks of the single methods again, those of all rows together."""
    cell = results.find(task=row["task"], seed=row["seed"])
    return float(sum(one["seconds"] for one in cell) if row["result"] == SELECTION else row["seconds"])


def described(found: Sequence[Comparison]) -> str:
    kept, n_right = [one for one in found if one.kept], sum(one.was_right for one in found)
    seconds, planned_s = np.mean([one.seconds for one in found]), np.mean([one.planned_s for one in found])
    gain, test_gain = np.nanmean([one.gain for one in found]), np.mean([one.test_gain for one in found])
    return (
        f"{seconds:6.1f} s (at most {planned_s:.0f} predicted)  gain, held-out items {gain:+5.2f}, test {test_gain:+5.2f} points"
        f"  kept {len(kept)} of {len(found)}, right on the test {n_right} of {len(found)} "
        f"(where kept, {sum(one.was_right for one in kept)})"
    )
