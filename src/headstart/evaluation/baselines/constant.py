"""Constant: the same prediction for every item, the class frequencies or the mean."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from headstart.evaluation.baseline import Cost, FittedBaseline, InterceptHead
from headstart.sources.preprocessors.nothing import NoPreprocessor

if TYPE_CHECKING:
    from collections.abc import Sequence

    from headstart.core.dataset import Dataset, FloatArray, IntArray
    from headstart.engines.context import RunContext
    from headstart.onnx_graph.builder import GraphBuilder


@dataclass(frozen=True, kw_only=True)
class Constant:
    """The majority class with the training frequencies as probabilities; the mean of a regression's targets."""

    name: ClassVar[str] = "constant"
    title: ClassVar[str] = "a constant prediction"
    preprocessor: ClassVar[str | None] = None
    cost: ClassVar[Cost] = "simple"
    is_control: ClassVar[bool] = True
    single_threaded: ClassVar[bool] = False

    def fit(
        self,
        dataset: Dataset,
        index: IntArray,
        *,
        context: RunContext,  # noqa: ARG002  (all baselines share one signature)
    ) -> FittedBaseline:
        """Take the means of the targets."""
        means = dataset.targets[index].mean(axis=0)
        return FittedBaseline(
            name=self.name, network=_Zeros(len(means)), head=InterceptHead(intercept=means, link="identity")
        )


@dataclass(frozen=True)
class _Zeros:
    """A network of zeros."""

    dimensions: int

    @property
    def input(self) -> NoPreprocessor:
        return NoPreprocessor()

    def scores(self, items: Sequence[Any]) -> FloatArray:
        return np.zeros((len(items), self.dimensions))

    def encode(self, graph: GraphBuilder) -> str:
        rows = graph.op("Cast", graph.input("rows", "int64", ["batch"]), to=1)
        column = graph.op("Unsqueeze", rows, graph.constant(np.array([1], np.int64)))  # (batch, 1)
        return graph.op("Mul", column, graph.constant(np.zeros((1, self.dimensions), np.float32)))
