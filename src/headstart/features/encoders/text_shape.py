"""TextShapeEncoder: how long a text is and what it is made of: few columns that no n-gram says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from headstart.core.blocks import Block
from headstart.sources.preprocessors.text_shape import TextShape

if TYPE_CHECKING:
    from collections.abc import Sequence

    from headstart.core.dataset import FloatArray
    from headstart.onnx_graph.builder import GraphBuilder

_SMALLEST_SPREAD = 0.02  # of a logarithm or a share; less is taken for constant
_FARTHEST = 4.0  # standard deviations; farther values count as so far
_CHUNK_TEXTS = 1024


@dataclass(frozen=True, kw_only=True)
class TextShapeEncoder:
    """Logarithms of counts, and the square roots of their shares of all characters, standardized on the training part.

    >>> encoded = TextShapeEncoder().fit(["short", "a LONGER text of 7 words, or so!"]).encode(["", "!"])
    >>> encoded.shape, bool(np.isfinite(encoded).all())
    ((2, 33), True)
    """

    name: ClassVar[str] = "text-shape"
    modality: ClassVar[str] = TextShape.modality

    def fit(self, values: Sequence[Any]) -> FittedTextShape:
        """Learn the mean and the spread of every column."""
        preprocessor = TextShape()
        columns = _columns(preprocessor.transform(values)["shape"]) if len(values) else np.zeros((1, 1))
        spread = columns.std(axis=0)
        return FittedTextShape(
            input=preprocessor,
            mean=columns.mean(axis=0).astype(np.float32),
            scale=np.where(spread > _SMALLEST_SPREAD, 1 / np.maximum(spread, _SMALLEST_SPREAD), 0).astype(np.float32),
        )


@dataclass(frozen=True, kw_only=True)
class FittedTextShape:
    """Counts to standardized columns.

    Attributes
    ----------
    mean : shape (d,)
    scale : shape (d,), the inverse of the spread; 0 where a column is constant
    """

    input: TextShape
    mean: FloatArray
    scale: FloatArray

    @property
    def block(self) -> Block:
        """A logarithm a count, and a share for all but the first."""
        return Block(name=TextShapeEncoder.name, stop=2 * len(self.input.counted) - 1, is_pretrained=False)

    def encode(self, values: Sequence[Any]) -> FloatArray:
        """Give the columns of all texts, shape (n, d), float32."""
        starts = range(0, len(values), _CHUNK_TEXTS)
        parts = [self._encode(values[start : start + _CHUNK_TEXTS]) for start in starts]
        return np.concatenate(parts) if parts else np.empty((0, self.block.stop), np.float32)

    def scoring(self, coef: FloatArray) -> TextShapeNetwork:
        """Make the network of coefficients, shape (d, k)."""
        return TextShapeNetwork(encoder=self, coef=np.asarray(coef, np.float32))

    def _encode(self, values: Sequence[Any]) -> FloatArray:
        columns = (_columns(self.input.transform(values)["shape"]) - self.mean) * self.scale
        return np.clip(columns, -_FARTHEST, _FARTHEST).astype(np.float32)


@dataclass(frozen=True, kw_only=True)
class TextShapeNetwork:
    """Counts to scores; `coef` has shape (d, k), float32."""

    encoder: FittedTextShape
    coef: FloatArray

    @property
    def input(self) -> TextShape:
        """The preprocessor of the encoder."""
        return self.encoder.input

    def scores(self, items: Sequence[Any]) -> FloatArray:
        """Shape (n, k)."""
        return np.asarray(self.encoder.encode(items) @ self.coef)

    def encode(self, graph: GraphBuilder) -> str:
        """Add the nodes of logarithms and shares, standardized, and of their weighted sum."""
        n, one = len(self.encoder.input.counted), graph.constant(np.float32(1))
        counts = graph.input("shape", "float32", ["batch", n])
        total, others = (
            graph.op("Slice", counts, *(graph.constant(np.array([x], np.int64)) for x in (start, stop, 1)))
            for start, stop in ((0, 1), (1, n))
        )
        shares = graph.op("Sqrt", graph.op("Div", others, graph.op("Max", total, one)))
        columns = graph.op("Concat", graph.op("Log", graph.op("Add", counts, one)), shares, axis=1)
        centred = graph.op("Sub", columns, graph.constant(self.encoder.mean))
        scaled = graph.op("Mul", centred, graph.constant(self.encoder.scale))
        limits = (graph.constant(np.float32(limit)) for limit in (-_FARTHEST, _FARTHEST))
        return graph.op("MatMul", graph.op("Clip", scaled, *limits), graph.constant(self.coef))


def _columns(counts: Any) -> FloatArray:
    """Logarithms of all counts, then the square roots of the shares of all but the first, which counts characters."""
    shares = np.sqrt(counts[:, 1:] / np.maximum(counts[:, :1], 1))
    return np.concatenate([np.log1p(counts), shares], axis=1)
