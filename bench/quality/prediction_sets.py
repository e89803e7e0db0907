"""Do prediction sets hold what they promise? Bundles of real data, asked about items that took no part in anything.

Data with a test part: the training part for the fit, which is told of no other and judges itself by cross-validation; the test part to ask. That
of groceries shows other shelves, for which no promise is made. Other data: 600 drawn for the fit, up to 2,000 others to ask. For each
draw: how often the set holds the true label, and how many labels are in it. Run: .venv/bin/python -m bench.quality.prediction_sets [--draws 3]
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

import headstart
from bench.demos import as_pair, demo_dataset, own_parts
from bench.options import names, parse, parser_of

if TYPE_CHECKING:
    from headstart.core.dataset import Dataset

SOURCES = {"questions": "potion-base-8m", "complaints": "potion-base-8m", "groceries": "efficientnet-lite0"}


def main() -> None:
    parser = parser_of(__doc__)
    parser.add_argument("--data", type=names, default=list(SOURCES))
    parser.add_argument("--draws", type=int, default=3)
    parser.add_argument("--fit", type=int, default=600, help="items to fit on, of data without a test part")
    parser.add_argument("--ask", type=int, default=2000, help="items to ask about, likewise")
    options = parse(parser, data=["questions"], draws=1, fit=200, ask=200)
    print("| data | source | draw | promised | held | labels in a set | of |\n|---|---|---|---|---|---|---|")
    for name in options.data:
        dataset = demo_dataset(name)
        for seed in range(options.draws if dataset.splits is None else 1):
            train, asked = parts(dataset, seed, options.fit, options.ask)
            measure(train, asked, SOURCES[name], seed)


def parts(dataset: Dataset, seed: int, n_fit: int, n_asked: int) -> tuple[Dataset, Dataset]:
    if dataset.splits is not None:
        train, test = own_parts(dataset, 0)
    else:
        order = np.random.default_rng(seed).permutation(len(dataset))
        train, test = order[:n_fit], order[n_fit : n_fit + n_asked]
    return dataset.take(train), dataset.take(test)


def measure(train: Dataset, asked: Dataset, source: str, seed: int) -> None:
    fitted = headstart.fit(as_pair(train), source=source, tune="none", baselines="none", progress=None, seed=seed)
    items, labels = as_pair(asked)
    sets = [one.prediction_set or () for one in fitted.model.predictions(items)]
    held = np.mean([label in one for label, one in zip(labels, sets, strict=True)])
    size = np.mean([len(one) for one in sets])
    promised = fitted.report.evaluation.prediction_set["coverage"]
    print(
        f"| {train.name} | {source} | {seed} | {promised} | {held:.3f} | {size:.2f} | {len(train.labels)} |", flush=True
    )


if __name__ == "__main__":
    main()
