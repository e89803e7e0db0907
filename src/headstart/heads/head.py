"""LinearHead and MeanHead: the form of every fitted head, on arrays and in a graph."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

import numpy as np

from headstart.core.tasks.link import Link, apply_link
from headstart.heads.transforms import extend_unit_rows, get_transform, rows_at_once, unit_rows

if TYPE_CHECKING:
    from headstart.core.dataset import FloatArray
    from headstart.onnx_graph.builder import GraphBuilder


@dataclass(frozen=True, kw_only=True)
class LinearHead:
    """Transform, center, scale, optionally normalize to unit length, then one matrix.

    Attributes
    ----------
    transform : name of a feature transform
    centre, scale : shape (d,); features become (transform(x) - centre) * scale
    unit_length : whether each row is divided by its norm after that (cosine similarity)
    columns : start and end of the features that it reads; None for all
    coef, intercept : shapes (d, k) and (k,)
    """

    transform: str
    centre: FloatArray
    scale: FloatArray
    coef: FloatArray
    intercept: FloatArray
    unit_length: bool = False
    columns: tuple[int, int] | None = None

    def scores(self, features: FloatArray) -> FloatArray:
        """Scores (n, k) of features (n, d), a chunk of rows at a time."""
        step = rows_at_once(features.shape[1])
        parts = [self._scores(features[i : i + step]) for i in range(0, len(features), step)]
        return np.concatenate(parts) if parts else np.empty((0, len(self.intercept)))

    def calibrated(self, slope: float, intercept: FloatArray) -> LinearHead:
        """Apply a rescaling of the scores to the coefficients."""
        return replace(self, coef=self.coef * slope, intercept=self.intercept * slope + intercept)

    def moved(self, start: int, stop: int) -> LinearHead:
        """The same head where the features that it reads stand from `start` to `stop`."""
        first, end = self.columns or (0, stop - start)
        return replace(self, columns=(start + first, start + end))

    def arrays(self) -> dict[str, FloatArray]:
        """Every fitted array by name."""
        return {name: getattr(self, name) for name in ("centre", "scale", "coef", "intercept")}

    def settings(self) -> dict[str, Any]:
        """How to read the arrays."""
        said: dict[str, Any] = {"transform": self.transform, "unit_length": self.unit_length}
        return said if self.columns is None else {**said, "columns": list(self.columns)}

    def extend(self, graph: GraphBuilder, features: str) -> str:
        """Add the nodes of the scores after the value `features`."""
        if self.columns is not None:
            first, end, axis = (graph.constant(np.array([i], np.int64)) for i in (*self.columns, 1))
            features = graph.op("Slice", features, first, end, axis)
        x = get_transform(self.transform).extend(graph, features)
        x = graph.op("Sub", x, graph.constant(self.centre.astype(np.float32)))
        if self.unit_length:
            x = extend_unit_rows(graph, graph.op("Mul", x, graph.constant(self.scale.astype(np.float32))))
            coef = self.coef
        else:
            coef = self.scale[:, None] * self.coef
        weight, bias = (graph.constant(a.astype(np.float32)) for a in (coef, self.intercept))
        return graph.op("Gemm", x, weight, bias)

    def _scores(self, features: FloatArray) -> FloatArray:
        if self.columns is not None:
            features = features[:, slice(*self.columns)]
        x = get_transform(self.transform).apply(np.asarray(features, dtype=np.float64))
        x = (x - self.centre) * self.scale
        return (unit_rows(x) if self.unit_length else x) @ self.coef + self.intercept


class Member(Protocol):
    """A head inside a `MeanHead`."""

    def scores(self, features: FloatArray) -> FloatArray:
        """Scores (n, k) of features (n, d)."""
        ...

    def extend(self, graph: GraphBuilder, features: str) -> str:
        """Add the nodes of the scores after the value `features`."""
        ...

    def arrays(self) -> dict[str, FloatArray]:
        """Every fitted array by name."""
        ...

    def settings(self) -> dict[str, Any]:
        """How to read the arrays."""
        ...


Member_co = TypeVar("Member_co", bound=Member, covariant=True)


@dataclass(frozen=True, kw_only=True)
class MeanHead(Generic[Member_co]):
    """A weighted mean of the outputs of one or more heads.

    `weights` are non-negative and sum to one, in the order of `heads`; `names` are those of their estimators.
    """

    heads: tuple[Member_co, ...]
    weights: tuple[float, ...]
    names: tuple[str, ...]
    link: Link

    def outputs(self, features: FloatArray) -> FloatArray:
        """Outputs (n, k) of features (n, d): probabilities, or values in the units of the target."""
        parts = [
            w * apply_link(head.scores(features), self.link) for w, head in zip(self.weights, self.heads, strict=True)
        ]
        return np.sum(parts, axis=0)

    def extend(self, graph: GraphBuilder, features: str) -> str:
        """Add the nodes of the outputs after the value `features`."""
        parts = []
        for weight, head in zip(self.weights, self.heads, strict=True):
            part = head.extend(graph, features)
            if self.link != "identity":
                part = graph.op("Softmax", part, axis=1) if self.link == "softmax" else graph.op("Sigmoid", part)
            parts.append(part if weight == 1.0 else graph.op("Mul", part, graph.constant(np.float32(weight))))
        return parts[0] if len(parts) == 1 else graph.op("Sum", *parts)

    def arrays(self) -> dict[str, FloatArray]:
        """Every fitted array by name."""
        return {f"{i}.{name}": array for i, head in enumerate(self.heads) for name, array in head.arrays().items()}

    def settings(self) -> dict[str, Any]:
        """How to read the arrays."""
        parts = [
            {"candidate": name, "weight": weight, **head.settings()}
            for name, weight, head in zip(self.names, self.weights, self.heads, strict=True)
        ]
        return {"kind": "mixed", "link": self.link, "parts": parts}


EnsembleHead = MeanHead[LinearHead]
"""The head of one network: a mean of linear heads."""
