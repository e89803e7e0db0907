"""A tiny predictor and its report: what a bundle holds, in some kilobytes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np

from headstart.packaging import BundleSchema, write
from headstart.sources.preprocessors.pixels import ImagePreprocessor
from headstart.testing.tiny_report import LABELS, make_report

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
