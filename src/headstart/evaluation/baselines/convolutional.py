"""Convolutional: a compact network trained from scratch on the photos; what a photo model must beat."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from headstart.core.errors import require
from headstart.engines.threads import n_threads
from headstart.evaluation import small_cnn
from headstart.evaluation.baseline import Cost, FittedBaseline, InterceptHead, sampled
from headstart.evaluation.field_networks import fit_on_its_field
from headstart.sources.preprocessors.pixels import ImagePreprocessor

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from headstart.core.dataset import Dataset, FloatArray, IntArray
    from headstart.engines.context import RunContext
    from headstart.onnx_graph.builder import GraphBuilder

_DECODE_ROWS = 32


@dataclass(frozen=True, kw_only=True)
class Convolutional:
    """Five convolutions with batch normalisation on small photos, augmented, AdamW with one cycle of the learning rate.

    Attributes
    ----------
    size_px : photos are resized to this height and width; 12 KB per item at 64
    max_items : larger datasets are sampled, and the note says so
    """

    name: ClassVar[str] = "convolutional"
    title: ClassVar[str] = "a small network trained from scratch"
    preprocessor: ClassVar[str | None] = ImagePreprocessor.kind
    cost: ClassVar[Cost] = "full"
    is_control: ClassVar[bool] = False
    single_threaded: ClassVar[bool] = True
    size_px: int = 64
    max_items: int = 20_000

    def fit(self, dataset: Dataset, index: IntArray, *, context: RunContext) -> FittedBaseline:
        """Train on the photos at `index`."""
        require("torch", extra="train", purpose="training the convolutional baseline")
        if len(dataset.fields) > 1:
            return fit_on_its_field(self, dataset, index, context=context)
        kept, sampling = sampled(index, self.max_items, context.seed)
        part = dataset.take(kept)
        preprocessor = ImagePreprocessor(height_px=self.size_px, width_px=self.size_px)
        pixels = decode(preprocessor, part.items)
        key = ("convolutional", small_cnn.RECIPE, part.task, context.seed, pixels, part.targets)
        state = context.cache.get_or_compute(
            key, lambda: small_cnn.train(pixels, part.targets, part.task_spec, context=context)
        )
        note = f"{small_cnn.n_epochs(len(part))} epochs over {len(part):,} photos"
        return FittedBaseline(
            name=self.name,
            network=ConvolutionalNetwork(input=preprocessor, state=state),
            head=InterceptHead(intercept=state["intercept"], link=part.task_spec.link),
            note=note + sampling,
        )


@dataclass(frozen=True, kw_only=True)
class ConvolutionalNetwork:
    """Pixels to scores; `state` holds the folded weights as `small_cnn.train` gives them."""

    input: ImagePreprocessor
    state: Mapping[str, FloatArray]

    def scores(self, items: Sequence[Any]) -> FloatArray:
        """Shape (n, k), computed by torch, some photos at a time."""
        starts = range(0, len(items), 8 * _DECODE_ROWS)
        parts = [self._scores(items[start : start + 8 * _DECODE_ROWS]) for start in starts]
        return np.concatenate(parts) if parts else np.empty((0, self.state["coef"].shape[1]))

    def encode(self, graph: GraphBuilder) -> str:
        """Add the network's nodes, including the normalization of the pixels."""
        pixels = graph.input("pixels", "uint8", ["batch", self.input.height_px, self.input.width_px, 3])
        x = graph.op("Cast", pixels, to=1)
        x = graph.op("Sub", graph.op("Div", x, graph.constant(np.float32(127.5))), graph.constant(np.float32(1)))
        x = graph.op("Transpose", x, perm=[0, 3, 1, 2])  # (batch, 3, height, width)
        for block, stride in enumerate(small_cnn.STRIDES):
            weight, bias = (graph.constant(self.state[f"{part}.{block}"]) for part in ("kernel", "bias"))
            x = graph.op("Relu", graph.op("Conv", x, weight, bias, strides=[stride, stride], pads=[1, 1, 1, 1]))
        pooled = graph.op("Flatten", graph.op("GlobalAveragePool", x))
        return graph.op("MatMul", pooled, graph.constant(self.state["coef"]))

    def _scores(self, items: Sequence[Any]) -> FloatArray:
        return small_cnn.scores(self.state, decode(self.input, items))


def decode(preprocessor: ImagePreprocessor, items: Sequence[Any]) -> Any:
    """Pixels of all items, uint8, (n, size, size, 3), decoded in parallel."""
    from concurrent.futures import ThreadPoolExecutor

    pixels = np.empty((len(items), preprocessor.height_px, preprocessor.width_px, 3), np.uint8)

    def fill(start: int) -> None:
        chunk = items[start : start + _DECODE_ROWS]
        pixels[start : start + len(chunk)] = preprocessor.transform(chunk)["pixels"]

    with ThreadPoolExecutor(n_threads()) as pool:
        list(pool.map(fill, range(0, len(items), _DECODE_ROWS)))
    return pixels
