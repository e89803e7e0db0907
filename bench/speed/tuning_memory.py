"""What does tuning hold in memory, and what does running the frozen blocks only once save?

EfficientNet-Lite0 at batches of 32 photos and MiniLM at batches of 32 texts of 128 tokens, each in a new process: the whole
network trained, then the share that `fine-tune` trains, with the frozen blocks' values kept and without. The peak is the
kernel's own (VmHWM); what the process held before training is named beside it. Run: .venv/bin/python -m bench.speed.tuning_memory
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from bench.demos import demo_dataset
from bench.options import names, parse, parser_of
from bench.processes import last_line_as_json, memory_mib
from headstart.core import registry
from headstart.engines.context import RunContext
from headstart.engines.heap import keeping_freed_memory
from headstart.features import embed
from headstart.heads import adapt
from headstart.sources import open_source
from headstart.tuning.checkpoint import Checkpoint
from headstart.tuning.frozen_feature_loader import FrozenFeatureLoader
from headstart.tuning.loop import train
from headstart.tuning.trainable_model import TrainableModel
from headstart.tuning.training_set import TrainingSet

if TYPE_CHECKING:
    from headstart.core.dataset import Dataset
    from headstart.tuning.settings import TuningSettings
    from headstart.tuning.tuning_method import TuningMethod

BATCH = 32
LONG = 900  # characters, of which 128 tokens and more come
DEMOS = {"efficientnet-lite0": "groceries", "all-minilm-l6-v2": "complaints"}


def main() -> None:
    parser = parser_of(__doc__)
    parser.add_argument("--sources", type=names, default=list(DEMOS))
    parser.add_argument("--items", type=int, default=128)
    parser.add_argument("--run", type=json.loads, help="measure one run in this process; its settings as JSON")
    options = parse(parser, sources=["all-minilm-l6-v2"], items=8)
    if options.run:
        print(json.dumps(measure(**options.run)))
        return
    usual = registry.get("tuning_methods", "fine-tune")().settings
    part = {"trainable_fraction": usual.trainable_fraction, "epochs": 1 if options.quick else usual.epochs}
    for name in options.sources:
        common = {"name": name, "n_items": options.items}
        # the memory of the whole network is that of any number of epochs
        whole = in_new_process(**common, trainable_fraction=1.0, epochs=1, keep=False)
        kept, not_kept = (in_new_process(**common, **part, keep=keep) for keep in (True, False))
        for title, row in (("whole", whole), ("upper, kept", kept), ("upper, not kept", not_kept)):
            print(
                f"{name:<20} {title:<16} peak {row['peak_mib']:6.0f} MiB, {row['before_mib']:4.0f} of them before  "
                f"{row['fill_s']:6.1f} s for the frozen blocks, {row['steps_s']:6.1f} s for {row['n_steps']} steps",
                flush=True,
            )
        with_s, without_s = (row["fill_s"] + row["steps_s"] for row in (kept, not_kept))
        print(f"{name:<20} time with the frozen blocks' values kept ÷ without: {with_s / without_s:.2f}", flush=True)


def in_new_process(**settings: Any) -> dict[str, Any]:
    return last_line_as_json([sys.executable, "-m", "bench.speed.tuning_memory", "--run", json.dumps(settings)])


def measure(name: str, n_items: int, trainable_fraction: float, epochs: int, keep: bool) -> dict[str, float]:
    """One run of fine-tuning on so many items."""
    method: TuningMethod = registry.get("tuning_methods", "fine-tune")()
    settings = replace(
        method.settings, trainable_fraction=trainable_fraction, epochs=epochs, min_steps=1, batch_size=BATCH
    )
    dataset = long_items(DEMOS[name], n_items)
    model = started(name, dataset, method, settings)
    everything, n_steps = np.arange(len(dataset)), settings.n_steps(max(1, round(len(dataset) / BATCH)))
    before_mib, begun = memory_mib("VmRSS"), time.perf_counter()
    with keeping_freed_memory(), tempfile.TemporaryDirectory() as folder:
        loader = FrozenFeatureLoader(model, dataset.items, everything, settings.augmentation, keep=keep)
        filled = time.perf_counter()
        train(
            model,
            loader,
            TrainingSet(index=everything, targets=dataset.targets, weights=np.ones(len(dataset))),
            settings,
            method=method,
            seed=0,
            checkpoint=Checkpoint(Path(folder) / "run.safetensors"),
            steps=RunContext().progress("steps", n_steps),
        )
    ended = time.perf_counter()
    return {
        "peak_mib": memory_mib("VmHWM"),
        "before_mib": before_mib,
        "fill_s": filled - begun,
        "steps_s": ended - filled,
        "n_steps": n_steps,
    }


def long_items(name: str, n: int) -> Dataset:
    """Photos, or texts that fill the network's longest input."""
    dataset = demo_dataset(name)
    long = [i for i, item in enumerate(dataset.items) if not isinstance(item, str) or len(item) > LONG]
    return dataset.take(np.random.default_rng(0).permutation(long)[:n])


def started(name: str, dataset: Dataset, method: TuningMethod, settings: TuningSettings) -> TrainableModel:
    """The network with a closed-form head, made ready by the method."""
    source = open_source(name)
    features = embed(dataset.items, source).values
    adapted = adapt(features, dataset.targets, task=dataset.task, groups=np.arange(len(dataset)), head="ridge")
    model = TrainableModel(source, adapted.leading_head.heads[0], features, dataset.task_spec)
    method.start(model, settings, len(dataset))
    return model


if __name__ == "__main__":
    main()
