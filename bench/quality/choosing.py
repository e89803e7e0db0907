"""What does choosing the source gain over always taking the usual one? The tasks and splits of `bench/quality/evaluate.py`.

The source is ranked on the training part alone, as `fit` does by default; its head and that of the usual source are fitted on all
of it and scored on the test part. Run: .venv/bin/python bench/quality/choosing.py [--tasks sms-spam,vader] [--seeds 3] [--test 400]
"""

from __future__ import annotations

import argparse
import sys
import time
from dataclasses import replace

import numpy as np

from headstart.data import demo, load
from headstart.data.near_duplicates import find_near_duplicates
from headstart.features import embed
from headstart.heads import adapt
from headstart.pipeline.presets import preset_named
from headstart.ranking import Limits, rank
from headstart.sources import open_source
from headstart.sources.defaults import default_source
from quality import FOLDER, TASKS, pool_of, split

LARGEST = 1100  # labels: beyond, the sources differ little and embedding takes long


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--tasks", default=",".join(task.name for task in TASKS))
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--test", type=int, default=400, help="test items, at most")
    arguments = parser.parse_args()
    gains = []
    for task in TASKS:
        if task.name in arguments.tasks.split(","):
            shown = replace(task, n_test=min(task.n_test, arguments.test))
            for size in (size for size in task.sizes if size <= LARGEST):
                rows = [one_run(shown, size, seed) for seed in range(arguments.seeds)]
                gains.append(show(shown.name, rows))
    print(f"{len(gains)} tasks: choosing gains {np.mean(gains):+.2f} points in the mean, {min(gains):+.2f} at worst")


def one_run(task, size: int, seed: int) -> dict:
    dataset = load(demo(task.name, FOLDER / task.name))
    dataset = dataset.take(pool_of(dataset, task, size))
    train, test = split(task, size, dataset, seed)
    train, held_out = replace(dataset.take(train), splits=None), dataset.take(test)
    metric, usual = dataset.task_spec.headline(train.targets), default_source(dataset.modality)
    preset, started = preset_named("balanced"), time.perf_counter()
    limits = Limits(max_size_mib=preset.max_size_mib)
    chosen = rank(train, limits=limits, halving=preset.halving, seed=seed, progress=sys.stderr).best.name
    seconds = time.perf_counter() - started
    truth = {name: score_of(name, train, held_out, metric) for name in {chosen, usual}}
    return {
        "n": len(train),
        "metric": metric.name,
        "chosen": chosen,
        "usual": truth[usual],
        "best": truth[chosen],
        "seconds": seconds,
    }


def score_of(name: str, train, held_out, metric) -> float:
    """Score of the line's own head on this source, everything chosen on the training part."""
    source = open_source(name)
    x, z = (embed(part.items, source, progress=sys.stderr).values for part in (train, held_out))
    groups = find_near_duplicates(x, train.groups).groups
    return metric.of(held_out.targets, adapt(x, train.targets, task=train.task, groups=groups).head.outputs(z))


def show(name: str, rows: list[dict]) -> float:
    usual, best = (float(np.mean([row[key] for row in rows])) for key in ("usual", "best"))
    chosen = ", ".join(sorted({row["chosen"] for row in rows}))
    print(
        f"{name:<15} n={rows[0]['n']:<6} {rows[0]['metric']:<24} usual {usual:.3f}  chosen {best:.3f}  "
        f"gain {100 * (best - usual):+.1f} points | {chosen} | first ranking {rows[0]['seconds']:.0f} s",
        flush=True,
    )
    return 100 * (best - usual)


if __name__ == "__main__":
    main()
