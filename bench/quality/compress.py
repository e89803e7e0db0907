"""What does it cost to make a model smaller? Every built-in source with a ridge head, every way to store or compute it.

Photos: groceries, judged on its own test part. Texts: 1,500 questions, half of them held out. For each: size, accuracy, the
paired gain over single precision with its interval, the time for one item on one thread measured in turns with single precision,
and whether it is kept at a tolerance of one point, or why not. Run: .venv/bin/python bench/quality/compress.py [--sources a,b]
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import numpy as np

import headstart
from headstart.compression.measuring import Reference
from headstart.compression.method import CalibrationSet
from headstart.compression.search import all_methods, search
from headstart.compression.split import split_data
from headstart.compression.trial import Goal
from headstart.data import demo, load
from headstart.packaging.packed import unpack
from headstart.sources import cards

METHODS = ("fp16", "weight-only", "static-int8", "dynamic-int8", "four-bit")
N_LEARNT, N_TEXTS = 256, 1500  # photos to calibrate on; questions in all


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--sources", default=",".join(card.name for card in cards()))
    parser.add_argument("--methods", default=",".join(METHODS))
    parser.add_argument("--items", type=int, default=N_TEXTS, help="test photos, or texts in all, at most")
    arguments = parser.parse_args()
    photos, texts = (load(demo(name, Path("demo") / name)) for name in ("groceries", "questions"))
    is_test = photos.splits == "test"
    kept = drawn(np.flatnonzero(~is_test), N_LEARNT), drawn(np.flatnonzero(is_test), arguments.items)
    photos, texts = photos.take(np.concatenate(kept)), texts.take(drawn(np.arange(len(texts)), arguments.items))
    print(
        "| source | stored or computed as | MiB | accuracy | paired gain | ms an item | times | kept |\n|---|---|---|---|---|---|---|---|"
    )
    for name in arguments.sources.split_data(","):
        measure(name, photos if headstart.find(name).modality == "image" else texts, arguments.methods.split_data(","))


def drawn(positions, n: int):
    return np.sort(np.random.default_rng(0).permutation(positions)[:n])


def measure(name: str, dataset, methods: list[str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        pair = (dataset.items, [dataset.labels[code] for code in dataset.codes])
        data = Path("demo/groceries") if dataset.modality == "image" else pair
        fit = headstart.fit(data, out=Path(folder) / "m", source=name, head="ridge", baselines="none", progress=None)
        original = unpack(fit.bundle)
    split = split_data(dataset, original, seed=0)
    reference = Reference(original, split.test, split.outputs, split.metric, 0)
    calibration = CalibrationSet(dataset=split.calibration, seed=0)
    print(f"| {name} | fp32 | {original.size_mib:.1f} | {reference.score.value:.3f} | | | | |", flush=True)
    for method in all_methods(methods):
        (trial,) = search(reference, calibration, Goal(), [method], progress=None)
        if trial.measured is not None:
            show(name, trial)


def show(name: str, trial) -> None:
    m, latency = trial.measured, trial.measured.latency
    print(
        f"| {name} | {trial.name} | {m.size_mib:.1f} | {m.score.value:.3f} | {m.gain.value:+.3f} ({m.gain.low:+.3f} to "
        f"{m.gain.high:+.3f}) | {latency.ms:.3g} of {latency.original_ms:.3g} | {latency.ratio:.2f} ({latency.low:.2f} to "
        f"{latency.high:.2f}) | {'yes' if trial.kept else '; '.join(trial.failed)} |",
        flush=True,
    )


if __name__ == "__main__":
    main()
