"""FieldNetworks: networks whose scores are added, each of a field or of the item itself; how a baseline reads rows."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from headstart.data.rows import column_of
from headstart.sources.preprocessors import modality_of
from headstart.sources.preprocessors.joint import JointPreprocessor, prefix_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from headstart.core.dataset import Dataset, FloatArray, IntArray
    from headstart.core.model import ScoringNetwork
    from headstart.engines.context import RunContext
    from headstart.evaluation.baseline import Baseline, FittedBaseline
    from headstart.onnx_graph.builder import GraphBuilder


@dataclass(frozen=True, kw_only=True)
class FieldNetworks:
    """A `ScoringNetwork` made of others.

    Attributes
    ----------
    networks : one or more, of as many outputs
    fields : what each reads; None for the item itself
    """

    networks: tuple[ScoringNetwork, ...]
    fields: tuple[str | None, ...]

    @property
    def input(self) -> JointPreprocessor:
        """All preprocessing, each of its field."""
        return JointPreprocessor(inputs=tuple(network.input for network in self.networks), fields=self.fields)

    def scores(self, items: Sequence[Any]) -> FloatArray:
        """The sum of the scores, shape (n, k)."""
        parts = [
            one.scores(items if field is None else column_of(items, field))
            for one, field in zip(self.networks, self.fields, strict=True)
        ]
        return np.sum(parts, axis=0)

    def encode(self, graph: GraphBuilder) -> str:
        """Add every network, its inputs named apart, and add up their values."""
        values = []
        for i, network in enumerate(self.networks):
            with graph.inputs_named(prefix_of(i)):
                values.append(network.encode(graph))
        return values[0] if len(values) == 1 else graph.op("Sum", *values)


def fit_on_its_field(baseline: Baseline, dataset: Dataset, index: IntArray, *, context: RunContext) -> FittedBaseline:
    """Fit a baseline of one field on the field of rows that it can read."""
    assert baseline.preprocessor is not None
    wanted = modality_of(baseline.preprocessor)
    name = next(field.name for field in dataset.fields if field.modality == wanted)
    fitted: Any = baseline.fit(dataset.only_field(name), index, context=context)
    alone: FittedBaseline = replace(fitted, network=FieldNetworks(networks=(fitted.network,), fields=(name,)))
    return alone
