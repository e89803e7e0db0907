"""Networks with a few thousand random weights, data that a head on them can learn, and bundles of both."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import numpy as np

from headstart.core.tasks.single_label import single_label_task
from headstart.heads import adapt
from headstart.onnx_graph.builder import FLOAT32, GraphBuilder, mean_over_tokens
from headstart.packaging import BundleSchema, write
from headstart.packaging.session import open_bundle_session
from headstart.sources.preprocessors import modality_of
from headstart.sources.preprocessors.pixels import ImagePreprocessor
from headstart.sources.preprocessors.tokens import TextTokenizer
from headstart.testing.tiny_report import make_report
from headstart.testing.tiny_sources import tokenizer_json
from headstart.testing.tiny_weights import WORDS

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from headstart.core.arrays import FloatArray
    from headstart.core.model import Preprocessor

CREATED = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
N_ITEMS = 240
TASK = single_label_task(2)
LABELS = ("apple", "kiwi")
KINDS = ("convolutions", "products", "table")


@dataclass
class SmallNetwork:
    """64 features of a photo of 16 pixels, or of the words of a text."""

    kind: str
    dimensions: int = 64
    digest: str = "0" * 64

    def __post_init__(self) -> None:
        self.name = f"small-{self.kind}"
        photos = ImagePreprocessor(height_px=16, width_px=16)
        texts = TextTokenizer(tokenizer_json(), max_tokens=12, special_tokens=False)
        self.input: Preprocessor = photos if self.reads_photos else texts
        self.modality = str(modality_of(self.input.kind))
        self._rng = np.random.default_rng(3)

    @property
    def reads_photos(self) -> bool:
        """Photos rather than texts."""
        return self.kind == "convolutions"

    def encode(self, graph: GraphBuilder) -> str:
        """Add the network, with the same weights each time."""
        self._rng = np.random.default_rng(3)
        return self._of_photos(graph) if self.reads_photos else self._of_texts(graph)

    def _weights(self, *shape: int) -> FloatArray:
        return self._rng.normal(0, 1 / np.sqrt(np.prod(shape[1:])), shape).astype(np.float32)

    def _of_photos(self, graph: GraphBuilder) -> str:
        x = graph.op("Cast", graph.input("pixels", "uint8", ["batch", 16, 16, 3]), to=FLOAT32)
        x = graph.op("Transpose", graph.op("Mul", x, graph.constant(np.float32(1 / 64))), perm=[0, 3, 1, 2])
        for n_in, n_out, size in ((3, 48, 3), (48, 64, 1)):
            weight = graph.constant(self._weights(n_out, n_in, size, size))
            bias = graph.constant(self._weights(n_out))
            x = graph.op("Conv", x, weight, bias, strides=[size // 2 + 1] * 2)
            x = graph.op("Clip", x, graph.constant(np.float32(0)), graph.constant(np.float32(6)))
        return graph.op("Flatten", graph.op("GlobalAveragePool", x))

    def _of_texts(self, graph: GraphBuilder) -> str:
        ids = graph.input("input_ids", "int64", ["batch", "length"])
        mask = graph.op("Cast", graph.input("attention_mask", "int64", ["batch", "length"]), to=FLOAT32)
        x = graph.op("Gather", graph.constant(self._weights(len(WORDS), 64)), ids)
        if self.kind == "products":
            x = graph.op("Tanh", graph.op("MatMul", x, graph.constant(8 * self._weights(64, 64))))
        return mean_over_tokens(graph, x, mask)


@dataclass
class Fitted:
    """A predictor of network and head."""

    network: SmallNetwork
    head: Any

    @property
    def name(self) -> str:
        """What people call it."""
        return f"{self.network.name} + ridge"

    def predict(self, items: Sequence[Any]) -> FloatArray:
        """Outputs for items, shape (n, 2)."""
        outputs: FloatArray = self.head.outputs(features(self.network, items))
        return outputs


def features(network: SmallNetwork, items: Sequence[Any]) -> FloatArray:
    """What the network gives for items, shape (n, 64)."""
    graph = GraphBuilder()
    graph.output(network.encode(graph), "features", "float32", ["batch", network.dimensions])
    session = open_bundle_session(graph.model().SerializeToString())
    found: FloatArray = session.run(None, network.input.transform(items))[0]
    return found


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
    adapted = adapt(features(network, list(items)), targets, task=TASK.name, groups=np.arange(N_ITEMS), head="ridge")
    report = make_report(labels=LABELS, task=TASK.name, deployed=f"{network.name} + ridge")
    schema = BundleSchema(name="fruit", modality=network.modality, task=TASK.name, labels=LABELS)
    predictor = Fitted(network, adapted.head)
    return write(
        folder, predictor=predictor, report=report, schema=schema, check_items=list(items[:4]), created=CREATED
    )
