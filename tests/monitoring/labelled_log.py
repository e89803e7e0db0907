"""A small bundle with a log of its answers."""

from __future__ import annotations

from types import SimpleNamespace

from tiny_watch import draw

import headstart
from headstart.serving.prediction_log import PredictionLog


def fit_tiny(folder, seed=0):
    items, _, labels = draw(200, seed=seed)
    rows = [f"{one['age']:.6f},{one['job']},{one['pay']:.6f},{label}" for one, label in zip(items, labels, strict=True)]
    (folder / "train.csv").write_text("\n".join(["age,job,pay,answer", *rows]) + "\n")
    return headstart.fit(
        folder / "train.csv", target="answer", out=folder / "model", source="none", preset="fast", progress=None
    ).bundle


def log_answers(model, folder, n, *, seed, keeps_items=True, with_keys=True):
    """Write the log; give its keys and their true labels."""
    items, _, labels = draw(n, seed=seed)
    folder.mkdir(exist_ok=True)
    log = PredictionLog(folder, 1.0, items=keeps_items)
    keys = [f"r{seed}-{i}" for i in range(n)]
    answering = SimpleNamespace(name=model.name, version="1", bundle=model)
    log.add(answering, items, list(model.outputs(items).values), keys if with_keys else None)
    log.close()
    return keys, labels
