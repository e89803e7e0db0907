"""How good are the models, and how honest the reports? Every task, five seeds, on a test part the report never saw.

For each task: the model and every baseline on the test part; how often the report's interval held the truth; and how near
its two estimates and the naive one came. Run: .venv/bin/python bench/quality/evaluate.py [--tasks sms-spam,vader] [--seeds 5]
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections import defaultdict
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from tasks import FOLDER, own_parts

from headstart.data import demo, load
from headstart.data.holdout import plan_splits
from headstart.data.near_duplicates import find_near_duplicates
from headstart.engines.clock import Clock
from headstart.evaluation import Experiment, baselines_for, prove
from headstart.features import embed
from headstart.sources import open_source
from headstart.sources.defaults import default_source
from headstart.storage.files import cache_folder
from headstart.storage.result_cache import ResultCache


@dataclass(frozen=True)
class Task:
    """One dataset at some sizes; `official` uses the dataset's own test part instead of a random one."""

    name: str
    sizes: tuple[int, ...]
    n_test: int = 1000
    official: bool = False
    n_seeds: int = 5


TASKS = (
    Task("groceries", (0,), official=True),
    Task("traffic-lights", (0,), official=True),
    Task("complaints", (200, 1000, 10_000)),
    Task("sms-spam", (200,)),
    Task("questions", (500,)),
    Task("bbc", (200,)),
    Task("movie-reviews", (16, 128, 1024)),
    Task("disaster", (1000,)),
    Task("vader", (1000,)),
)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--tasks", default=",".join(t.name for t in TASKS))
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    rows = []
    for task in TASKS:
        if task.name in arguments.tasks.split(","):
            for size in task.sizes:
                rows += list(run(task, size, min(arguments.seeds, task.n_seeds)))
                show(rows[-min(arguments.seeds, task.n_seeds) :])
    summarise(rows)
    if arguments.json:
        arguments.json.write_text(json.dumps(rows, indent=1))


def run(task: Task, size: int, n_seeds: int):
    dataset = load(demo(task.name, FOLDER / task.name))
    source = open_source(default_source(dataset.modality))
    pool = pool_of(dataset, task, size)
    dataset = dataset.take(pool)
    features = embed(dataset.items, source, progress=sys.stderr).values
    for seed in range(n_seeds):
        yield one_run(task, size, dataset, features, source, seed)


def pool_of(dataset, task: Task, size: int):
    """Enough items for the largest training part and the test part; embedding more would only cost time."""
    if task.official:
        return np.arange(len(dataset))
    n = min(len(dataset), max(size, 2000) + task.n_test)
    return np.sort(np.random.default_rng(0).permutation(len(dataset))[:n])


def split(task: Task, size: int, dataset, seed: int):
    if task.official:
        return own_parts(dataset, seed)
    order = np.random.default_rng(seed).permutation(len(dataset))
    return balanced(dataset, order[task.n_test :], size), order[: task.n_test]


def balanced(dataset, order, size: int):
    """For movie-reviews: so many a class; elsewhere as they come."""
    if dataset.name.startswith("movie") and dataset.task_spec.is_single_label:
        codes = dataset.codes[order]
        return np.concatenate([order[codes == c][: size // 2] for c in (0, 1)])
    return order[:size]


def one_run(task: Task, size: int, dataset, features, source, seed: int) -> dict:
    started = time.perf_counter()
    train, test = split(task, size, dataset, seed)
    train = replace(dataset.take(train), splits=None)
    experiment, duplicates = arena_of(train, features[train], source, seed)
    train, plan, result_cache = experiment.dataset, experiment.plan, experiment.result_cache
    adapted = experiment.adapt(plan.final)
    proof = prove(experiment, adapted, duplicates, baselines="full", clock=Clock())
    seconds = time.perf_counter() - started
    metric = dataset.task_spec.headline(train.targets)
    targets = dataset.targets[test]
    truth = {"model": metric.of(targets, adapted.head.outputs(features[test]))}
    for baseline in baselines_for(dataset.modality, source, "full"):
        fitted = baseline.fit(train, np.arange(len(train)), seed=seed, result_cache=result_cache)
        truth[baseline.name] = metric.of(targets, fitted.predict([dataset.items[i] for i in test]))
    report = proof.report
    return {
        "task": task.name,
        "n": len(train),
        "seed": seed,
        "metric": metric.name,
        "truth": truth,
        "reported": [report.evaluation.metric.low, report.evaluation.metric.value, report.evaluation.metric.high],
        "estimates": {k: [s.low, s.value, s.high] for k, s in report.evaluation.estimates.items()},
        "verdict": report.evaluation.verdict,
        "evaluation": plan.kind,
        "head": report.heads.method,
        "helped": truth["model"] > max(v for k, v in truth.items() if k != "model"),
        "seconds": seconds,
    }


def arena_of(dataset, features, source, seed: int):
    """What `fit` proves a model in, and the near-duplicates that its groups are made of."""
    duplicates = find_near_duplicates(features, dataset.groups)
    dataset = replace(dataset, groups=duplicates.groups)
    experiment = Experiment(
        dataset=dataset,
        features=features,
        source=source,
        plan=plan_splits(dataset, duplicates.groups, seed=seed),
        head="auto",
        seed=seed,
        result_cache=ResultCache(cache_folder() / "results"),
    )
    return experiment, duplicates


def show(rows: list[dict]) -> None:
    names = list(rows[0]["truth"])
    mean = {name: np.mean([row["truth"][name] for row in rows]) for name in names}
    covered = sum(row["reported"][0] <= row["truth"]["model"] <= row["reported"][2] for row in rows)
    near = {k: np.mean([row["estimates"][k][1] - row["truth"]["model"] for row in rows]) for k in rows[0]["estimates"]}
    print(
        f"{rows[0]['task']:<15} n={rows[0]['n']:<6} {rows[0]['metric']:<24} "
        + "  ".join(f"{name} {mean[name]:.3f}" for name in names)
        + f" | reported {np.mean([row['reported'][1] for row in rows]):.3f}, interval held the truth {covered}/{len(rows)}"
        + " | estimate - truth: "
        + ", ".join(f"{k} {v:+.3f}" for k, v in near.items())
        + f" | {', '.join(sorted({row['verdict'] for row in rows}))} | {np.mean([row['seconds'] for row in rows]):.0f} s",
        flush=True,
    )


def summarise(rows: list[dict]) -> None:
    covered = [row["reported"][0] <= row["truth"]["model"] <= row["reported"][2] for row in rows]
    print(f"\nreport's interval held the truth in {sum(covered)} of {len(covered)} runs")
    errors = defaultdict(list)
    for row in rows:
        for name, (low, value, high) in row["estimates"].items():
            errors[name].append((abs(value - row["truth"]["model"]), low <= row["truth"]["model"] <= high))
    for name, pairs in errors.items():
        print(
            f"{name:<18} mean distance from the truth {np.mean([e for e, _ in pairs]):.3f}, interval held it {sum(c for _, c in pairs)} of {len(pairs)}"
        )
    vetoes = [row for row in rows if row["verdict"] != "transfer helps"]
    wrong = [row for row in rows if row["verdict"] == "transfer helps" and not row["helped"]]
    print(
        f"verdict 'transfer helps' where a baseline was better on the test: {len(wrong)} of {len(rows)}; withheld: {len(vetoes)}"
    )


if __name__ == "__main__":
    main()
