"""Does the ranking find the best source, and at what price? Real tasks × every source of the modality.

Exhaustive fitting is the truth: the test score of the line's own head on each source, averaged over several draws of the
training part. A ranker is judged by its regret (how many points its choice lies below the best), by the rank correlation
of its scores with the truth, and by its cost as a share of embedding every item with every source.
Run: .venv/bin/python -m bench.quality.ranking [--tasks questions,digits] [--draws 3] [--json FILE]
"""

from __future__ import annotations

import json
import time
from collections import defaultdict
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from bench.options import names, parse, parser_of
from bench.quality.ranking_cases import TASKS, cases_of
from bench.quality.ranking_choosers import always, by_halving, by_ranker, prior_without
from headstart.core import registry
from headstart.ranking import Halving
from headstart.sources import cards
from headstart.storage.files import cache_folder
from headstart.storage.result_cache import ResultCache

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bench.quality.ranking_cases import Case
    from bench.quality.ranking_choosers import Chooser

    Table = dict[str, np.ndarray[Any, Any]]
    """Columns; a row is one case and draw."""

HALVING = Halving()
VARIANTS = {
    "by ridge": replace(HALVING, ranker="ridge"),
    "by neighbours": replace(HALVING, ranker="neighbours"),
    "growing by 4": replace(HALVING, growth=4.0),
    "beginning with 48": replace(HALVING, first=48),
    "up to 96 items": replace(HALVING, cap=96),
    "all items at once": replace(HALVING, first=1000),
}
USUAL = {"image": "efficientnet-lite0", "text": "all-minilm-l6-v2"}


def main() -> None:
    parser = parser_of(__doc__)
    parser.add_argument("--tasks", type=names, default=[task.name for task in TASKS])
    parser.add_argument(
        "--sources",
        type=names,
        default=[card.name for card in cards() if not card.is_in_context],
        help="the usual ones among them",
    )
    parser.add_argument("--draws", type=int, default=3)
    parser.add_argument("--train", type=int, help="labels, at most")
    parser.add_argument("--test", type=int, help="test items, at most")
    parser.add_argument("--json", type=Path)
    options = parse(
        parser, tasks=["questions", "sms-spam"], sources=["potion-base-8m", USUAL["text"]], draws=1, train=40, test=40
    )
    started, result_cache = time.perf_counter(), ResultCache(cache_folder() / "results")
    tasks = [task.smaller(options.train, options.test) for task in TASKS if task.name in options.tasks]
    cases = [case for task in tasks for case in cases_of(task, options.sources, options.draws, result_cache)]
    show_truth(cases)
    show_prior(cases)
    for title, chosen, choose in ways(cases):
        show(title, judge(chosen, choose))
    default = judge(cases, partial(by_halving, HALVING))
    show_by_case(default)
    print(f"{time.perf_counter() - started:.0f} s in all")
    if options.json:
        table = [{"case": c.title, "truth": c.truth, "item_s": c.item_s} for c in cases]
        options.json.write_text(json.dumps({"cases": table, "default": {k: v.tolist() for k, v in default.items()}}))


def ways(cases: list[Case]) -> Iterator[tuple[str, list[Case], Chooser]]:
    """Each way to choose, with the cases that it is judged on."""
    yield "default", cases, partial(by_halving, HALVING)
    for title, halving in VARIANTS.items():
        yield f"  {title}", cases, partial(by_halving, halving)
    for name in registry.names("rankers"):
        yield name, cases, partial(by_ranker, name)
    for modality, usual in USUAL.items():
        mine = [case for case in cases if case.dataset.modality == modality]
        if mine:
            yield f"always {usual}", mine, partial(always, usual)
            yield f"  default, {modality}s alone", mine, partial(by_halving, HALVING)


def judge(cases: list[Case], choose: Chooser) -> Table:
    """Regret in points, rank correlation and cost of a way to choose."""
    columns: dict[str, list[Any]] = defaultdict(list)
    for case in cases:
        everything_s, best = sum(case.item_s.values()), max(case.truth.values())
        prior = prior_without(cases, case.demo)
        for draw, train in enumerate(case.train):
            choice = choose(case, draw, prior)
            row = {
                "regret": 100 * (best - case.truth[choice.best]),
                "seconds": choice.seconds,
                "everything": everything_s * len(case.dataset),
                "labelled": everything_s * len(train),
                "correlation": correlation(choice.scores, case.truth),
                "gain": 100 * (case.truth[choice.best] - case.truth[USUAL[case.dataset.modality]]),
                "case": case.title,
                "choice": choice.best,
            }
            for name, value in row.items():
                columns[name].append(value)
    return {name: np.array(values) for name, values in columns.items()}


def correlation(scores: dict[str, float], truth: dict[str, float]) -> float:
    """Spearman's, of scores and truth."""
    first, second = (np.argsort(np.argsort([table[name] for name in truth])) for table in (scores, truth))
    return float(np.corrcoef(first, second)[0, 1])


def show(title: str, table: Table) -> None:
    by_case = [table["regret"][table["case"] == case].mean() for case in dict.fromkeys(table["case"])]
    print(
        f"{title:<28} regret mean {table['regret'].mean():5.2f}, worst case {max(by_case):5.2f}, worst draw "
        f"{table['regret'].max():5.2f} points | rank correlation {table['correlation'].mean():5.2f} | cost "
        f"{100 * table['seconds'].sum() / table['everything'].sum():5.1f} % of embedding everything, "
        f"{100 * table['seconds'].sum() / table['labelled'].sum():5.1f} % of the labelled part | gain over the usual "
        f"{table['gain'].mean():+5.2f}",
        flush=True,
    )


def show_by_case(table: Table) -> None:
    for case in dict.fromkeys(table["case"]):
        rows = table["case"] == case
        share = table["seconds"][rows].sum() / table["everything"][rows].sum()
        chosen, regret = ", ".join(table["choice"][rows]), table["regret"][rows].mean()
        print(f"  {case:<26} chose {chosen}; regret {regret:.2f}, cost {100 * share:.1f} %")


def show_truth(cases: list[Case]) -> None:
    for case in cases:
        print(f"{case.title:<26} {case.metric.name:<24}", end="")
        print("  ".join(f"{name} {value:.3f}" for name, value in sorted(case.truth.items(), key=lambda p: -p[1])))


def show_prior(cases: list[Case]) -> None:
    print("\nmilliseconds an item, mean over the cases, and points below the best of the modality (for prior.toml)")
    for name, points in sorted(prior_without(cases, "").points.items()):
        milliseconds = [1000 * case.item_s[name] for case in cases if name in case.item_s]
        print(f"{name:<22} {np.mean(milliseconds):8.2f} ms  {points:6.1f}")
    misses = [miss for case in cases for miss in prior_misses(case, cases)]
    rms = 100 * np.sqrt(np.mean(np.square(misses)))
    print(f"a case's gap to its best lies {rms:.1f} points from the prior's (RMS)\n")


def prior_misses(case: Case, cases: list[Case]) -> list[float]:
    """By how much the gap of each source to the best one differs from what the other datasets' prior says."""
    prior, top = prior_without(cases, case.demo), max(case.truth, key=lambda name: case.truth[name])
    return [
        (value - case.truth[top]) - (prior.of(name) - prior.of(top))
        for name, value in case.truth.items()
        if name != top
    ]


if __name__ == "__main__":
    main()
