"""Networks with a few thousand random weights, and data that a head on them can learn: bundles to make smaller."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from tiny_bundle import CREATED, make_report

from headstart.heads import adapt
from headstart.onnx_graph.builder import FLOAT32, GraphBuilder, mean_over_tokens
from headstart.packaging import BundleSchema, write
from headstart.packaging.session import open_bundle_session
from headstart.sources.preprocessors.pixels import ImagePreprocessor
from headstart.sources.preprocessors.tokens import TextTokenizer
from tiny import WORDS, tokenizer_json

if TYPE_CHECKING:
    from pathlib import Path

N_ITEMS = 240
LABELS = ("apple", "kiwi")
KINDS = ("convolutions", "products", "table")


@dataclass
class SmallNetwork:
    """64 features of a photo of 16 pixels, or of the words of a text."""

    kind: str
    dimensions: int = 64
    digest: str = "0" * 64

    def __post_init__(self):
        self.name = f"small-{self.kind}"
        self.modality = "image" if self.kind == "convolutions" else "text"
        self.input = (
            ImagePreprocessor(height_px=16, width_px=16)
            if self.modality == "image"
            else TextTokenizer(tokenizer_json(), max_tokens=12, special_tokens=False)
        )
        self.rng = np.random.default_rng(3)

    def weights(self, *shape):
        return self.rng.normal(0, 1 / np.sqrt(np.prod(shape[1:])), shape).astype(np.float32)

    def encode(self, graph):
        self.rng = np.random.default_rng(3)
        return self.of_photos(graph) if self.modality == "image" else self.of_texts(graph)

    def of_photos(self, graph):
        x = graph.op("Cast", graph.input("pixels", "uint8", ["batch", 16, 16, 3]), to=FLOAT32)
        x = graph.op("Transpose", graph.op("Mul", x, graph.constant(np.float32(1 / 64))), perm=[0, 3, 1, 2])
        for n_in, n_out, size in ((3, 48, 3), (48, 64, 1)):
            weight = graph.constant(self.weights(n_out, n_in, size, size))
            bias = graph.constant(self.weights(n_out))
            x = graph.op("Conv", x, weight, bias, strides=[size // 2 + 1] * 2)
            x = graph.op("Clip", x, graph.constant(np.float32(0)), graph.constant(np.float32(6)))
        return graph.op("Flatten", graph.op("GlobalAveragePool", x))

    def of_texts(self, graph):
        ids = graph.input("input_ids", "int64", ["batch", "length"])
        mask = graph.op("Cast", graph.input("attention_mask", "int64", ["batch", "length"]), to=FLOAT32)
        x = graph.op("Gather", graph.constant(self.weights(len(WORDS), 64)), ids)
        if self.kind == "products":
            x = graph.op("Tanh", graph.op("MatMul", x, graph.constant(8 * self.weights(64, 64))))
        return mean_over_tokens(graph, x, mask)


@dataclass
class Fitted:
    """A predictor of network and head."""

    network: SmallNetwork
    head: Any

    @property
    def name(self):
        return f"{self.network.name} + ridge"

    def features(self, items):
        return features(self.network, items)

    def predict(self, items):
        return self.head.outputs(self.features(items))


def features(network, items):
    graph = GraphBuilder()
    graph.output(network.encode(graph), "features", "float32", ["batch", network.dimensions])
    return open_bundle_session(graph.model().SerializeToString()).run(None, network.input.transform(items))[0]


def make_items(kind: str, seed: int = 0) -> tuple[Any, list[str]]:
    """Photos that are reddish or greenish, or texts in which one of two words is commoner; one in fifty is neither."""
    rng = np.random.default_rng(seed)
    codes = rng.integers(0, 2, N_ITEMS)
    labels = [LABELS[code] for code in codes]
    if kind == "convolutions":
        photos = rng.integers(0, 160, (N_ITEMS, 16, 16, 3))
        photos[np.arange(N_ITEMS), :, :, codes] += 80
        return photos.astype(np.uint8), labels
    words = [[*rng.choice(WORDS[4:13], 6), ("good", "bad")[code]] for code in codes]
    return [" ".join(rng.permutation(text)) for text in words], labels


def make_bundle(kind: str, folder: Path) -> Path:
    """A bundle whose head was fitted on `make_items(kind)`."""
    network = SmallNetwork(kind)
    items, labels = make_items(kind)
    targets = np.array([[label == name for name in LABELS] for label in labels], dtype=float)
    adapted = adapt(features(network, list(items)), targets, task="binary", groups=np.arange(N_ITEMS), head="ridge")
    report = make_report(labels=LABELS, task="binary", deployed=f"{network.name} + ridge")
    schema = BundleSchema(name="fruit", modality=network.modality, task="binary", labels=LABELS)
    predictor = Fitted(network, adapted.head)
    return write(
        folder, predictor=predictor, report=report, schema=schema, check_items=list(items[:4]), created=CREATED
    )
