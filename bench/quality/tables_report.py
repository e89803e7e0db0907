"""The tables of `bench.quality.tables`: mean rank, mean score and seconds of each method at each size, and where Headstart loses."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.stats import rankdata

from bench.quality.tables_score import HEADLINES

if TYPE_CHECKING:
    from bench.results import Results, Row

OURS = "headstart"
LOWEST = -1.0  # what a score counts in the mean where it is lower: an R² has no end downwards
LOSS = 0.01


def report(results: Results) -> None:
    """Print everything that is kept."""
    for size in sorted({row["size"] for row in results.rows}):
        rows = results.find(size=size)
        everywhere, rare = _methods(rows)
        _print_size(size, rows, everywhere)
        for method in rare:
            of_method = {_case(row) for row in rows if row["method"] == method}
            same = [row for row in rows if _case(row) in of_method]
            print(f"on the {len(of_method)} cases that have {method}:")
            _print_size(size, same, [*everywhere, method])
        _print_losses(rows)


def _methods(rows: list[Row]) -> tuple[list[str], list[str]]:
    """Methods that were asked in most cases, and those that were in few."""
    counts = {
        method: sum(row["method"] == method for row in rows) for method in dict.fromkeys(row["method"] for row in rows)
    }
    most = max(counts.values())
    everywhere = [method for method, n in counts.items() if n > most / 2]
    return everywhere, [method for method in counts if method not in everywhere]


def _case(row: Row) -> tuple[str, int, int]:
    return row["table"], row["size"], row["draw"]


def scores_of(rows: list[Row], methods: list[str]) -> tuple[list[tuple[str, int, int]], np.ndarray]:
    """The cases that all methods were asked in, and their scores, shape (cases, methods); -inf where one failed."""
    found: dict[tuple[str, int, int], dict[str, float]] = {}
    for row in rows:
        found.setdefault(_case(row), {})[row["method"]] = -np.inf if row["score"] is None else row["score"]
    cases = [case for case, scores in found.items() if set(methods) <= set(scores)]
    return cases, np.array([[found[case][method] for method in methods] for case in cases]).reshape(-1, len(methods))


def _print_size(size: int, rows: list[Row], methods: list[str]) -> None:
    cases, scores = scores_of(rows, methods)
    if not cases:
        print(f"{size} rows: no case has all of {', '.join(methods)} yet")
        return
    ranks = rankdata(-scores, axis=1)
    tasks = {_case(row): row["task"] for row in rows}
    kinds = [kind for kind in HEADLINES if any(tasks[case] == kind for case in cases)]
    print(f"\n{size} rows, {len(cases)} cases of {len({case[0] for case in cases})} tables")
    heads = "".join(f"{HEADLINES[kind]:>10}" for kind in kinds)
    print(
        f"{'method':<22}{'mean rank':>10}{'mean score':>11}{heads}{'log loss':>10}{'seconds':>9}{'processor':>10}{'longest':>9}{'failed':>8}"
    )
    for place in np.argsort(ranks.mean(axis=0)):
        mine = [row for row in rows if row["method"] == methods[place] and _case(row) in set(cases)]
        bounded = np.maximum(scores[:, place], LOWEST)
        means = "".join(
            f"{np.mean([bounded[i] for i, case in enumerate(cases) if tasks[case] == kind]):10.3f}" for kind in kinds
        )
        losses = [row["log_loss"] for row in mine if "log_loss" in row]
        seconds = [row["train_s"] + row["predict_s"] for row in mine if row["score"] is not None]
        used = [row["train_cpu_s"] + row["predict_cpu_s"] for row in mine if row["score"] is not None]
        print(
            f"{methods[place]:<22}{ranks[:, place].mean():10.2f}{bounded.mean():11.3f}{means}{_mean(losses):10.3f}"
            f"{_mean(seconds):9.2f}{_mean(used):10.2f}{max(seconds, default=np.nan):9.1f}{len(mine) - len(seconds):8d}"
        )


def _print_losses(rows: list[Row]) -> None:
    """Cases where another method is ahead of Headstart by more than a point."""
    lost = []
    ours = {_case(row): row for row in rows if row["method"] == OURS and row["score"] is not None}
    for case, row in ours.items():
        others = [one for one in rows if _case(one) == case and one["score"] is not None and one["method"] != OURS]
        best = max(others, key=lambda one: one["score"], default=row)
        if best["score"] > row["score"] + LOSS:
            lost.append(f"{case[0]} (draw {case[2]}) {row['score']:.3f}, {best['method']} {best['score']:.3f}")
    if ours:
        print(f"Headstart is more than a point behind the best of all in {len(lost)} of {len(ours)}: {'; '.join(lost)}")


def _mean(values: list[float]) -> float:
    return float(np.mean(values)) if values else float("nan")
