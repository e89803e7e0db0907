"""How good are the models, and how honest the reports? Every task, five seeds, on a test part the report never saw.

For each task: the model and every baseline on the test part; how often the report's interval held the truth; and how near
its two estimates and the naive one came. Run: .venv/bin/python -m bench.quality.evaluate [--tasks sms-spam,vader] [--seeds 5]
"""

from __future__ import annotations

import json
import time
from collections import defaultdict
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from bench.options import names, parse, parser_of
from bench.quality.evaluation_tasks import TASKS, EvaluationTask
from bench.quality.together_fit import NEVER_PLAIN
from headstart.data.holdout import plan_splits
from headstart.data.near_duplicates import find_near_duplicates
from headstart.engines.context import RunContext
from headstart.evaluation import Experiment, baselines_for, prove
from headstart.evaluation.evaluation import Evaluation
from headstart.evaluation.shipping import Shipping
from headstart.features import embed
from headstart.pipeline.choosing import frozen_models
from headstart.sources import open_source
from headstart.sources.defaults import default_source

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bench.results import Row
    from headstart.core.dataset import Dataset, FloatArray
    from headstart.data.groups import NearDuplicates
    from headstart.sources import Source


def main() -> None:
    parser = parser_of(__doc__)
    parser.add_argument("--tasks", type=names, default=list(TASKS))
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--train", type=int, help="labels, at most")
    parser.add_argument("--test", type=int, help="test items, at most")
    parser.add_argument("--json", type=Path)
    options = parse(parser, tasks=["questions"], seeds=1, train=80, test=80)
    rows: list[Row] = []
    for name in options.tasks:
        task = TASKS[name].smaller(options.train, options.test)
        for size in task.sizes:
            found = list(runs_of(task, size, options.seeds))
            show(found)
            rows += found
    summarize(rows)
    if options.json:
        options.json.write_text(json.dumps(rows, indent=1))


def runs_of(task: EvaluationTask, size: int, n_seeds: int) -> Iterator[Row]:
    dataset = task.dataset(size)
    source = open_source(default_source(dataset.modality))
    features = embed(dataset.items, source, context=RunContext.default()).values
    for seed in range(n_seeds):
        yield one_run(task, size, seed, dataset, features, source)


def one_run(task: EvaluationTask, size: int, seed: int, dataset: Dataset, features: FloatArray, source: Source) -> Row:
    """A fit as the line does it, what its report says, and what the test part says."""
    started = time.perf_counter()
    train_index, test_index = task.split(dataset, size, seed)
    train = replace(dataset.take(train_index), splits=None)
    experiment, duplicates = experiment_of(train, features[train_index], source, seed)
    experiment, frozen = frozen_models(experiment)
    with Evaluation(experiment, frozen) as evaluation:
        evaluation.run_closed_forms()
        proof = prove(evaluation, duplicates, shipping=Shipping(worth=NEVER_PLAIN))
    seconds = time.perf_counter() - started
    test, metric = dataset.take(test_index), dataset.task_spec.headline(train.targets)
    truth = {"model": metric.of(test.targets, proof.predictor.predict(test.items))}
    for baseline in baselines_for(dataset.modality, source, "full"):
        fitted = baseline.fit(experiment.dataset, np.arange(len(train)), context=experiment.context)
        truth[baseline.name] = metric.of(test.targets, fitted.predict(test.items))
    return {
        "task": task.name,
        "n": len(train),
        "seed": seed,
        "metric": metric.name,
        "truth": truth,
        "helped": truth["model"] > max(v for k, v in truth.items() if k != "model"),
        "seconds": seconds,
        **reported(proof.report),
        "split": experiment.plan.kind,
    }


def reported(report: Any) -> Row:
    """What the report says of the model."""
    section = report.evaluation
    return {
        "reported": [section.metric.low, section.metric.value, section.metric.high],
        "estimates": {k: [s.low, s.value, s.high] for k, s in section.estimates.items()},
        "verdict": section.verdict,
        "head": report.heads.head,
    }


def experiment_of(
    dataset: Dataset, features: FloatArray, source: Source, seed: int
) -> tuple[Experiment, NearDuplicates]:
    """What `fit` proves a model in, and the near-duplicates that its groups are made of."""
    duplicates = find_near_duplicates(dataset)
    dataset = replace(dataset, groups=duplicates.groups, has_near_duplicate_groups=True)
    experiment = Experiment(
        dataset=dataset,
        features=features,
        source=source,
        plan=plan_splits(dataset, duplicates.groups, seed=seed),
        head="auto",
        context=RunContext.default(seed=seed, progress=None),
    )
    return experiment, duplicates


def holds_truth(row: Row) -> bool:
    """Whether the interval of the report holds the test score."""
    low, _, high = row["reported"]
    return bool(low <= row["truth"]["model"] <= high)


def show(rows: list[Row]) -> None:
    means = {name: np.mean([row["truth"][name] for row in rows]) for name in rows[0]["truth"]}
    near = {k: np.mean([row["estimates"][k][1] - row["truth"]["model"] for row in rows]) for k in rows[0]["estimates"]}
    print(
        f"{rows[0]['task']:<15} n={rows[0]['n']:<6} {rows[0]['metric']:<24} "
        + "  ".join(f"{name} {mean:.3f}" for name, mean in means.items())
        + f" | reported {np.mean([row['reported'][1] for row in rows]):.3f}, interval held the truth {sum(map(holds_truth, rows))}/{len(rows)}"
        + " | estimate - truth: "
        + ", ".join(f"{k} {v:+.3f}" for k, v in near.items())
        + f" | {', '.join(sorted({row['verdict'] for row in rows}))} | {np.mean([row['seconds'] for row in rows]):.0f} s",
        flush=True,
    )


def summarize(rows: list[Row]) -> None:
    print(f"\nreport's interval held the truth in {sum(map(holds_truth, rows))} of {len(rows)} runs")
    errors: dict[str, list[tuple[float, bool]]] = defaultdict(list)
    for row in rows:
        truth = row["truth"]["model"]
        for name, (low, value, high) in row["estimates"].items():
            errors[name].append((abs(value - truth), low <= truth <= high))
    for name, pairs in errors.items():
        distance, n_held = np.mean([error for error, _ in pairs]), sum(held for _, held in pairs)
        print(f"{name:<18} mean distance from the truth {distance:.3f}, interval held it {n_held} of {len(pairs)}")
    praised = [row for row in rows if row["verdict"] == "transfer helps"]
    n_wrong = sum(not row["helped"] for row in praised)
    print(
        f"verdict 'transfer helps' where a baseline was better on the test: {n_wrong} of {len(rows)}; "
        f"withheld: {len(rows) - len(praised)}"
    )


if __name__ == "__main__":
    main()
