"""A tiny predictor and its report: what a bundle holds, in some kilobytes."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np

from headstart.core.report import BaselineResult, Report, Score
from headstart.data.data_section import DataSection
from headstart.engines.timing_section import TimingSection
from headstart.evaluation.evaluation_section import EvaluationSection
from headstart.heads.heads_section import HeadsSection
from headstart.packaging import BundleSchema, write
from headstart.packaging.package_section import PackageSection
from headstart.sources.preprocessors.pixels import ImagePreprocessor

LABELS = ("apple", "kiwi", "lime")
CREATED = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


class TinyNetwork:
    """The mean colour of 4 by 4 pixels, as three features."""

    name, modality, dimensions, digest = "mean-colour", "image", 3, "0" * 64

    def __init__(self):
        self.input = ImagePreprocessor(height_px=4, width_px=4)

    def encode(self, graph):
        pixels = graph.input("pixels", "uint8", ["batch", 4, 4, 3])
        x = graph.op("Mul", graph.op("Cast", pixels, to=1), graph.constant(np.float32(1 / 255)))
        axes = graph.constant(np.array([1, 2], dtype=np.int64))
        return graph.op("ReduceMean", x, axes, keepdims=0)


@dataclass
class TinyHead:
    """A linear layer; softmax, sigmoid or nothing after it."""

    weight: np.ndarray
    after: str = "Softmax"
    error: float = 0.0

    def outputs(self, features):
        z = features @ self.weight
        if self.after == "Softmax":
            e = np.exp(z - z.max(axis=1, keepdims=True))
            return e / e.sum(axis=1, keepdims=True) + self.error
        return 1 / (1 + np.exp(-z)) if self.after == "Sigmoid" else z

    def extend(self, graph, features):
        z = graph.op("MatMul", features, graph.constant(self.weight.astype(np.float32)))
        return graph.op(self.after, z)

    def arrays(self):
        return {"weight": self.weight}

    def settings(self):
        return {"kind": "linear", "after": self.after}


@dataclass
class TinyPredictor:
    head: TinyHead
    name: str = "mean-colour + linear"

    def __post_init__(self):
        self.network = TinyNetwork()

    def predict(self, items):
        pixels = self.network.input.transform(items)["pixels"].astype(np.float64) / 255
        return self.head.outputs(pixels.mean(axis=(1, 2)))


def make_report(*added, **changes):
    """A report of the sections that every fit has; `changes` are fields of any of them, `added` further sections."""

    def score(value, width=0.03, name="accuracy", **more):
        return Score(name=name, value=value, low=value - width, high=value + width, n=40, **more)

    fields = {
        "task": "multiclass",
        "modality": "image",
        "name": "fruit",
        "labels": LABELS,
        "n_items": 120,
        "n_groups": 100,
        "n_train": 80,
        "n_test": 40,
        "protocol": "Judged on 40 photos that took no part.",
        "source": "mean-colour",
        "head": "auto",
        "verdict": "transfer helps",
        "sentence": "Transfer helps: the model is right on 90 % of unseen photos.",
        "metric": score(0.9),
        "metrics": (score(0.9), score(0.4, name="log loss", unit="nats")),
        "baselines": (BaselineResult(name="constant", score=score(0.4), gain=score(0.5), note="The majority"),),
        "gain": score(0.5),
        "estimates": {"naive": score(0.97), "more of the same": score(0.92), "new conditions": score(0.85)},
        "head_candidates": (
            {"name": "ridge", "loss": 0.3, "chosen": True},
            {"name": "bad", "loss": None, "chosen": False},
        ),
        "curve": tuple({"n_items": n, "value": v, "low": v - 0.1, "high": v + 0.05} for n, v in ((20, 0.6), (80, 0.9))),
        "forecast": "About 40 more labels for 2 points.",
        "figures": {
            "confusion": {"labels": list(LABELS), "counts": [[10, 1, 0], [0, 12, 2], [1, 0, 14]]},
            "reliability": [{"confidence": c, "accuracy": c - 0.05, "n": 10} for c in (0.5, 0.7, 0.9)],
            "mistakes": [{"id": "a.jpg", "true": "kiwi", "predicted": "lime", "probability": 0.9, "text": "green"}],
            "label_issues": [],
        },
        "duplicate_groups": ({"size": 2, "members": [{"id": "a", "text": "one"}, {"id": "b", "text": "two"}]},),
        "notices": ({"kind": "guess", "message": "Read as photos.", "where": ["row 1"]},),
        "card": {"name": "mean-colour", "license": "Apache-2.0", "trained_on": "nothing", "known_bias": "colour"},
        "deployed": "mean-colour + linear",
        "seed": 0,
        "timing": {"seconds": {"load": 0.1, "embed": 1.0, "total": 1.1}, "peak_mib": 100.0, "energy_wh": 0.01},
    }
    fields |= changes
    sections = (DataSection, HeadsSection, EvaluationSection, PackageSection)
    own = (
        kind(
            **{
                one.name: fields[one.name]
                for one in dataclasses.fields(kind)
                if one.name in fields and (one.name, kind) != ("notices", EvaluationSection)
            }
        )
        for kind in sections
    )
    report = Report(tuple(own)).with_section(*added)
    return report.with_section(TimingSection(**fields["timing"])) if fields["timing"] else report


def make_schema(**changes):
    return BundleSchema(**{"name": "fruit", "modality": "image", "task": "multiclass", "labels": LABELS, **changes})


def make_photos(n=20, seed=0):
    rng = np.random.default_rng(seed)
    return list(rng.integers(0, 256, (n, 4, 4, 3), dtype=np.uint8))


def make_predictor(after="Softmax", n_outputs=3, **changes):
    weight = np.random.default_rng(1).normal(size=(3, n_outputs)) * 4
    return TinyPredictor(TinyHead(weight, after, **changes))


def make_bundle(folder, **changes):
    arguments = {
        "predictor": make_predictor(),
        "report": make_report(),
        "schema": make_schema(columns={"input": "photo"}),
        "check_items": make_photos(4),
        "moments": {"mean": np.arange(3.0), "scatter": np.eye(3)},
        "created": CREATED,
    }
    return write(folder, **{**arguments, **changes})
