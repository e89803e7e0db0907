"""What does it cost to make a model smaller? Every built-in source with a ridge head, every way to store or compute it.

Photos: groceries, judged on its own test part. Texts: 1,500 questions, half of them held out. For each: size, accuracy, the
paired gain over single precision with its interval, the time for one item on one thread measured in turns with single precision,
and whether it is kept at a tolerance of one point, or why not. Run: .venv/bin/python -m bench.quality.compress [--sources a,b]
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

import headstart
from bench.demos import FOLDER, as_pair, demo_dataset, own_parts
from bench.options import names, parse, parser_of
from headstart.compression.measuring import Reference
from headstart.compression.method import CalibrationSet
from headstart.compression.search import all_methods, search
from headstart.compression.split import split_data
from headstart.compression.trial import Goal
from headstart.engines.context import RunContext
from headstart.packaging.packed import unpack
from headstart.sources import cards

if TYPE_CHECKING:
    from headstart.compression.measuring import Measured
    from headstart.core.dataset import Dataset, IntArray

METHODS = ["fp16", "weight-only", "static-int8", "dynamic-int8", "four-bit"]
N_CALIBRATION = 256  # photos


def main() -> None:
    parser = parser_of(__doc__)
    parser.add_argument("--sources", type=names, default=[card.name for card in cards() if not card.is_in_context])
    parser.add_argument("--methods", type=names, default=METHODS)
    parser.add_argument("--items", type=int, default=1500, help="test photos, or texts in all, at most")
    options = parse(parser, sources=["potion-base-8m"], methods=["weight-only", "four-bit"], items=200)
    print(
        "| source | stored or computed as | MiB | accuracy | paired gain | ms an item | times | kept |\n|---|---|---|---|---|---|---|---|"
    )
    for name in options.sources:
        data = photos(options.items) if headstart.find(name).modality == "image" else texts(options.items)
        measure(name, data, options.methods)


def photos(n_test: int) -> Dataset:
    """Photos to calibrate on, and those of the test part."""
    dataset = demo_dataset("groceries")
    train, test = own_parts(dataset, 0)
    return dataset.take(np.concatenate([drawn(train, N_CALIBRATION), drawn(test, n_test)]))


def texts(n: int) -> Dataset:
    dataset = demo_dataset("questions")
    return dataset.take(drawn(np.arange(len(dataset)), n))


def drawn(positions: IntArray, n: int) -> IntArray:
    return np.sort(np.random.default_rng(0).permutation(positions)[:n])


def measure(name: str, dataset: Dataset, methods: list[str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        data = FOLDER / "groceries" if dataset.modality == "image" else as_pair(dataset)
        fit = headstart.fit(
            data, out=Path(folder) / "m", source=name, head="ridge", tune="none", baselines="none", progress=None
        )
        original = unpack(fit.bundle)
    split = split_data(dataset, original, seed=0)
    reference = Reference(original, split.test, split.outputs, split.metric, 0)
    calibration = CalibrationSet(dataset=split.calibration, context=RunContext())
    print(f"| {name} | fp32 | {original.size_mib:.1f} | {reference.score.value:.3f} | | | | |", flush=True)
    for method in all_methods(methods):
        (trial,) = search(reference, calibration, Goal(purpose="speed"), [method])
        if trial.measured is not None:
            show(f"{name} | {trial.name}", trial.measured, "yes" if trial.kept else "; ".join(trial.failed))


def show(title: str, measured: Measured, kept: str) -> None:
    gain, latency = measured.gain, measured.latency
    print(
        f"| {title} | {measured.size_mib:.1f} | {measured.score.value:.3f} | {gain.value:+.3f} ({gain.low:+.3f} to "
        f"{gain.high:+.3f}) | {latency.ms:.3g} of {latency.original_ms:.3g} | {latency.ratio:.2f} ({latency.low:.2f} to "
        f"{latency.high:.2f}) | {kept} |",
        flush=True,
    )


if __name__ == "__main__":
    main()
