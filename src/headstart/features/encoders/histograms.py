"""HistogramEncoder: colours and edge directions of photos; what can be seen without having learned to see."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, cast

import numpy as np

from headstart.core.blocks import Block
from headstart.data.modalities import get_modality
from headstart.features.embedding import embed
from headstart.features.encoders.histogram_nodes import DIMENSIONS, SIZE_PX, add_histograms
from headstart.onnx_graph.builder import GraphBuilder
from headstart.onnx_graph.session import open_session
from headstart.sources.preprocessors.pixels import ImagePreprocessor

if TYPE_CHECKING:
    from collections.abc import Sequence

    from headstart.core.dataset import FloatArray
    from headstart.sources import Source

_LEAST_SHARE = 0.2  # of the mean spread: columns that hardly vary are not blown up


@dataclass(frozen=True, kw_only=True)
class HistogramEncoder:
    """Square roots of histograms, standardized on the training part.

    >>> fitted = HistogramEncoder().fit([np.full((9, 7, 3), level, np.uint8) for level in (0, 255)])
    >>> fitted.encode([np.zeros((9, 7, 3), np.uint8)]).shape
    (1, 629)
    """

    name: ClassVar[str] = "histograms"
    modality: ClassVar[str] = ImagePreprocessor.modality

    def fit(self, values: Sequence[Any]) -> FittedHistograms:
        """Learn the mean and the spread of every column."""
        rows = histograms(values).astype(np.float64)
        spread = rows.std(axis=0)
        usual = max(float(spread.mean()), 1e-6)
        return FittedHistograms(
            mean=rows.mean(axis=0).astype(np.float32),
            scale=(1 / np.maximum(spread, _LEAST_SHARE * usual)).astype(np.float32),
        )


@dataclass(frozen=True, kw_only=True)
class FittedHistograms:
    """Photos to standardized histograms.

    Attributes
    ----------
    mean : shape (d,)
    scale : shape (d,), the inverse of the spread
    """

    mean: FloatArray
    scale: FloatArray

    @property
    def input(self) -> ImagePreprocessor:
        """All of a photo, small."""
        return _PREPROCESSOR

    @property
    def block(self) -> Block:
        """A column a bin."""
        return Block(name=HistogramEncoder.name, stop=DIMENSIONS, is_pretrained=False)

    def encode(self, values: Sequence[Any]) -> FloatArray:
        """Give the columns of all photos, shape (n, d), float32."""
        return self.standardized(histograms(values))

    def standardized(self, rows: FloatArray) -> FloatArray:
        """Standardize histograms, shape (n, d)."""
        return np.asarray((rows - self.mean) * self.scale)

    def add_nodes(self, graph: GraphBuilder, rows: str) -> str:
        """Add the nodes that standardize the value `rows`, (batch, d)."""
        centred = graph.op("Sub", rows, graph.constant(self.mean))
        return graph.op("Mul", centred, graph.constant(self.scale))

    def scoring(self, coef: FloatArray) -> HistogramNetwork:
        """Make the network of coefficients, shape (d, k)."""
        return HistogramNetwork(encoder=self, coef=np.asarray(coef, np.float32))


@dataclass(frozen=True, kw_only=True)
class HistogramNetwork:
    """Pixels to scores; `coef` has shape (d, k), float32."""

    encoder: FittedHistograms
    coef: FloatArray

    @property
    def input(self) -> ImagePreprocessor:
        """The preprocessor of the encoder."""
        return self.encoder.input

    def scores(self, items: Sequence[Any]) -> FloatArray:
        """Shape (n, k)."""
        return np.asarray(self.encoder.encode(items) @ self.coef)

    def encode(self, graph: GraphBuilder) -> str:
        """Add the nodes of the histograms, standardized, and of their weighted sum."""
        return graph.op("MatMul", self.encoder.add_nodes(graph, histogram_values(graph)), graph.constant(self.coef))


def histograms(values: Sequence[Any]) -> FloatArray:
    """Square roots of the histograms of photos, shape (n, DIMENSIONS), float32; computed once a photo and kept in the cache."""
    return np.asarray(embed(values, cast("Source", _SOURCE)).values)


def histogram_values(graph: GraphBuilder) -> str:
    """Declare the input `pixels`, add the nodes of the histograms, and return their value, (batch, DIMENSIONS)."""
    return add_histograms(graph, graph.input("pixels", "uint8", ["batch", SIZE_PX, SIZE_PX, 3]))


class _HistogramSource:
    """What `embed` asks of a source, without weights."""

    name = HistogramEncoder.name
    dimensions = DIMENSIONS
    blocks = (Block(name=HistogramEncoder.name, stop=DIMENSIONS, is_pretrained=False),)
    batch_size = 16

    @property
    def input(self) -> ImagePreprocessor:
        return _PREPROCESSOR

    @cached_property
    def digest(self) -> str:
        settings = repr(sorted(_PREPROCESSOR.settings().items()))
        return hashlib.sha256(self._graph + settings.encode()).hexdigest()

    def key(self, item: Any) -> bytes:
        return get_modality(HistogramEncoder.modality).key(item)

    def size(self, item: Any) -> int:
        return get_modality(HistogramEncoder.modality).size(item)

    def batch_of(self, size: int) -> int:
        return max(1, min(self.batch_size, get_modality(HistogramEncoder.modality).most_together(size)))

    def session(self) -> Any:
        return open_session(self._graph, threads=1)

    @cached_property
    def _graph(self) -> bytes:
        graph = GraphBuilder()
        graph.output(histogram_values(graph), "features", "float32", ["batch", DIMENSIONS])
        return bytes(graph.model(check=False).SerializeToString())


_PREPROCESSOR = ImagePreprocessor(height_px=SIZE_PX, width_px=SIZE_PX, resize="squash")
_SOURCE = _HistogramSource()
