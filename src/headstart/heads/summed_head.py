"""SummedHead: linear heads on different columns whose scores add up."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from headstart.heads.head import LinearHead, MeanHead

if TYPE_CHECKING:
    from headstart.core.dataset import FloatArray
    from headstart.onnx_graph.builder import GraphBuilder


@dataclass(frozen=True, kw_only=True)
class SummedHead:
    """One linear model on blocks that each have their own transform and centre.

    `parts` are one or more heads of as many outputs; each reads its own columns.
    """

    parts: tuple[LinearHead, ...]

    def scores(self, features: FloatArray) -> FloatArray:
        """Scores (n, k) of features (n, d)."""
        return np.sum([part.scores(features) for part in self.parts], axis=0)

    def calibrated(self, slope: float, intercept: FloatArray) -> SummedHead:
        """Apply a rescaling of the scores to the coefficients."""
        first, *others = self.parts
        zero = np.zeros_like(intercept)
        return SummedHead(
            parts=(first.calibrated(slope, intercept), *(part.calibrated(slope, zero) for part in others))
        )

    def moved(self, start: int, stop: int) -> SummedHead:
        """The same head where the features that it reads stand from `start` to `stop`."""
        return replace(self, parts=tuple(part.moved(start, stop) for part in self.parts))

    def extend(self, graph: GraphBuilder, features: str) -> str:
        """Add the nodes of the scores after the value `features`."""
        values = [part.extend(graph, features) for part in self.parts]
        return values[0] if len(values) == 1 else graph.op("Sum", *values)

    def arrays(self) -> dict[str, FloatArray]:
        """The arrays of every part, by its number."""
        return {f"{i}.{name}": array for i, part in enumerate(self.parts) for name, array in part.arrays().items()}

    def settings(self) -> dict[str, Any]:
        """How to read the arrays."""
        return {"sum": [part.settings() for part in self.parts]}


MixedHead = MeanHead[LinearHead | SummedHead]
"""The head of several models on one network of many columns."""
