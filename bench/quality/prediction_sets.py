"""Do prediction sets hold what they promise? Bundles of real data, asked about items that took no part in anything.

Data with a test part: the training part for the fit, which is told of no other and judges itself by cross-validation; the test part to ask. That
of groceries shows other shelves, for which no promise is made. Other data: 600 drawn for the fit, up to 2,000 others to ask. For each
draw: how often the set holds the true label, and how many labels are in it. Run: .venv/bin/python bench/quality/prediction_sets.py [--draws 3]
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

import headstart
from headstart.data import demo, load

TASKS = (("questions", "potion-base-8m"), ("complaints", "potion-base-8m"), ("groceries", "efficientnet-lite0"))
N_FIT, N_ASKED = 600, 2_000


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--draws", type=int, default=3)
    arguments = parser.parse_args()
    print("| data | source | draw | promised | held | labels in a set | of |\n|---|---|---|---|---|---|---|")
    for name, source in TASKS:
        dataset = load(demo(name, Path("demo") / name))
        for seed in range(arguments.draws if dataset.splits is None else 1):
            measure(dataset, source, seed)


def measure(dataset, source: str, seed: int) -> None:
    train, asked = parts(dataset, seed)
    fitted = headstart.fit(pair(dataset, train), source=source, baselines="none", progress=None, seed=seed)
    answers = fitted.model.predictions(pair(dataset, asked)[0])
    held = np.mean(
        [dataset.labels[dataset.codes[i]] in one.prediction_set for i, one in zip(asked, answers, strict=True)]
    )
    size = np.mean([len(one.prediction_set) for one in answers])
    promised = fitted.report.evaluation.prediction_set["coverage"]
    print(
        f"| {dataset.name} | {source} | {seed} | {promised} | {held:.3f} | {size:.2f} | {len(dataset.labels)} |",
        flush=True,
    )


def parts(dataset, seed: int) -> tuple[np.ndarray, np.ndarray]:
    if dataset.splits is not None:
        return np.flatnonzero(dataset.splits != "test"), np.flatnonzero(dataset.splits == "test")
    order = np.random.default_rng(seed).permutation(len(dataset))
    return order[:N_FIT], order[N_FIT : N_FIT + N_ASKED]


def pair(dataset, positions: np.ndarray) -> tuple[list, list]:
    return [dataset.items[i] for i in positions], [dataset.labels[dataset.codes[i]] for i in positions]


if __name__ == "__main__":
    main()
