"""What does tuning hold in memory, and what does running the frozen blocks only once save?

EfficientNet-Lite0 at batches of 32 photos and MiniLM at batches of 32 texts of 128 tokens, each in a new process: the whole
network trained, then the share that `fine-tune` trains, with the frozen blocks' values kept and without. The peak is the
kernel's own (VmHWM); what the process held before training is named beside it. Run: .venv/bin/python bench/speed/tuning_memory.py
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from tasks import FOLDER

from headstart.core import registry
from headstart.data import demo, load
from headstart.engines.heap import keeping_freed_memory
from headstart.engines.progress import Progress
from headstart.features import embed
from headstart.heads import adapt
from headstart.sources import open_source
from headstart.tuning.checkpoint import Checkpoint
from headstart.tuning.frozen_feature_loader import FrozenFeatureLoader
from headstart.tuning.loop import train
from headstart.tuning.trainable_model import TrainableModel
from headstart.tuning.training_set import TrainingSet

N_ITEMS, BATCH = 128, 32
LONG = 900  # characters, of which 128 tokens and more come
DEMOS = {"efficientnet-lite0": "groceries", "all-minilm-l6-v2": "complaints"}


def main() -> None:
    if sys.argv[1:]:
        print(json.dumps(measure(**json.loads(sys.argv[1]))))
        return
    usual = registry.get("tuning_methods", "fine-tune")().settings
    part = {"trainable_fraction": usual.trainable_fraction, "epochs": usual.epochs}
    for name in DEMOS:
        whole = fold_groups(
            name=name, trainable_fraction=1.0, epochs=1, keep=False
        )  # its memory is that of any number of epochs
        cached, uncached = (fold_groups(name=name, keep=keep, **part) for keep in (True, False))
        for title, row in (("whole", whole), ("upper, kept", cached), ("upper, not kept", uncached)):
            print(
                f"{name:<20} {title:<16} peak {row['peak_mib']:6.0f} MiB, {row['before_mib']:4.0f} of them before  "
                f"{row['fill_s']:6.1f} s for the frozen blocks, {row['steps_s']:6.1f} s for {row['n_steps']} steps",
                flush=True,
            )
        with_s, without_s = (row["fill_s"] + row["steps_s"] for row in (cached, uncached))
        print(f"{name:<20} time with the frozen blocks' values kept ÷ without: {with_s / without_s:.2f}", flush=True)


def fold_groups(**options: Any) -> dict[str, float]:
    """Measure in a process of its own."""
    done = subprocess.run([sys.executable, __file__, json.dumps(options)], check=False, capture_output=True, text=True)
    if done.returncode:
        sys.exit(done.stderr)
    return json.loads(done.stdout.splitlines()[-1])


def measure(name: str, trainable_fraction: float, epochs: int, keep: bool) -> dict[str, float]:
    """One run of fine-tuning on so many items."""
    source, method = open_source(name), registry.get("tuning_methods", "fine-tune")()
    settings = replace(
        method.settings, trainable_fraction=trainable_fraction, epochs=epochs, min_steps=1, batch_size=BATCH
    )
    dataset = load(demo(DEMOS[name], FOLDER / DEMOS[name]))
    long = [i for i, item in enumerate(dataset.items) if source.modality == "image" or len(item) > LONG]
    dataset = dataset.take(np.random.default_rng(0).permutation(long)[:N_ITEMS])
    features, everything = embed(dataset.items, source, progress=None).values, np.arange(len(dataset))
    head = adapt(features, dataset.targets, task=dataset.task, groups=everything, head="ridge").head.heads[0]
    model = TrainableModel(source, head, features, dataset.task_spec)
    method.start(model, settings)
    before_mib, started = held_mib("VmRSS"), time.perf_counter()
    with keeping_freed_memory(), tempfile.TemporaryDirectory() as folder:
        loader = FrozenFeatureLoader(model, dataset.items, everything, settings.augmentation, keep=keep)
        filled = time.perf_counter()
        n_steps = settings.n_steps(round(len(dataset) / BATCH))
        train(
            model,
            loader,
            TrainingSet(index=everything, targets=dataset.targets, weights=np.ones(len(dataset))),
            settings,
            method=method,
            seed=0,
            checkpoint=Checkpoint(Path(folder) / "run.safetensors"),
            steps=Progress("steps", n_steps, None),
        )
    ended = time.perf_counter()
    return {
        "peak_mib": held_mib("VmHWM"),
        "before_mib": before_mib,
        "fill_s": filled - started,
        "steps_s": ended - filled,
        "n_steps": n_steps,
    }


def held_mib(which: str) -> float:
    return int(re.search(which + r":\s+(\d+)", Path("/proc/self/status").read_text())[1]) / 1024


if __name__ == "__main__":
    main()
