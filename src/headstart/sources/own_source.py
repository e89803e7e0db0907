"""OwnSource: a labelled dataset of the user's as a source: its model's graph, and aggregates of its columns."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from headstart.core.tasks import get_task
from headstart.onnx_graph.builder import FLOAT32
from headstart.onnx_graph.session import open_session

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import onnxruntime

    from headstart.core.dataset import Field, FloatArray
    from headstart.core.model import Preprocessor
    from headstart.core.moments import Moments
    from headstart.core.tasks import TaskSpec
    from headstart.data.column_profiles import ColumnProfile

MIN_PROBABILITY = 1e-6
"""Probabilities are taken to be at least this, and at most 1 minus it, so that their logits are finite in single precision."""
_ROWS_AT_ONCE = 512


@dataclass(frozen=True, kw_only=True)
class PlainColumns:
    """The plain columns of a source as a graph, with the Moments of its training rows.

    Attributes
    ----------
    graph : an ONNX model whose output `outputs` has the columns, shape (n, d)
    input : prepares rows for it
    moments : of these columns and of the targets of least squares
    """

    graph: bytes
    input: Preprocessor
    moments: Moments


@dataclass(frozen=True, kw_only=True)
class OwnSource:
    """What a source's folder holds.

    Attributes
    ----------
    name : of the data it was made of
    fields : of its rows; one where it reads a value alone
    labels : in the order of its outputs
    graph : an ONNX model whose output `outputs` has probabilities or values, shape (n, k)
    input : prepares its items for the graph
    profiles : of its columns
    n_rows : that it learned from
    quality : of its model on its own held-out rows: {name, value, low, high}
    plain : its plain columns; None where it has none
    """

    name: str
    task: str
    fields: tuple[Field, ...]
    labels: tuple[str, ...]
    graph: bytes
    input: Preprocessor
    profiles: tuple[ColumnProfile, ...]
    n_rows: int
    quality: Mapping[str, Any] = field(default_factory=dict)
    plain: PlainColumns | None = None

    @property
    def task_spec(self) -> TaskSpec:
        """What follows from the task."""
        return get_task(self.task)


@dataclass(frozen=True, eq=False, kw_only=True)
class CopiedNetwork:
    """A `core.model.ScoringNetwork` that is a bundle's graph, copied into others.

    Attributes
    ----------
    graph : an ONNX model with an output `outputs`
    input : the bundle's, which may read renamed fields
    link : of the outputs, which are turned back into scores; 'identity' leaves them
    columns : of the outputs, in the order that they are wanted in
    """

    graph: bytes
    input: Preprocessor
    link: str
    columns: tuple[int, ...]

    def scores(self, items: Sequence[Any]) -> FloatArray:
        """Logits, or values, shape (n, k)."""
        parts = [self._run(items[start : start + _ROWS_AT_ONCE]) for start in range(0, len(items), _ROWS_AT_ONCE)]
        return np.concatenate(parts) if parts else np.empty((0, len(self.columns)))

    def encode(self, graph: Any) -> str:
        """Copy the graph, and turn its outputs into scores."""
        from headstart.onnx_graph.editing import cut

        model = _parsed(self.graph)
        feeds = {
            one.name: graph.input(one.name, _type_name(one), [_axis(axis) for axis in one.type.tensor_type.shape.dim])
            for one in _inputs(model)
        }
        whole, arrays = cut(model, "outputs")
        outputs = graph.op("Cast", graph.inline(whole.graph, feeds, arrays), to=FLOAT32)
        if self.columns != tuple(range(len(self.columns))) or self._n_outputs != len(self.columns):
            outputs = graph.op("Gather", outputs, graph.constant(np.array(self.columns, np.int64)), axis=1)
        return _to_scores(graph, outputs, self.link)

    def _run(self, items: Sequence[Any]) -> FloatArray:
        outputs = self._session.run(["outputs"], self.input.transform(items))[0]
        return to_scores(outputs[:, list(self.columns)], self.link)

    @cached_property
    def _session(self) -> onnxruntime.InferenceSession:
        return open_session(self.graph)

    @property
    def _n_outputs(self) -> int:
        shape = next(one.shape for one in self._session.get_outputs() if one.name == "outputs")
        return int(shape[-1])


def to_scores(outputs: FloatArray, link: str) -> FloatArray:
    """The scores that a link turns into these outputs, up to a constant a row of a softmax.

    >>> to_scores(np.array([[0.5, 0.5]]), "softmax").round(3).tolist()
    [[-0.693, -0.693]]
    """
    values = np.asarray(outputs, np.float64)
    if link == "identity":
        return values
    values = np.clip(values, MIN_PROBABILITY, 1 - MIN_PROBABILITY)
    return np.log(values) if link == "softmax" else np.log(values) - np.log1p(-values)


def _to_scores(graph: Any, outputs: str, link: str) -> str:
    """The same as nodes."""
    if link == "identity":
        return outputs
    low, high = (graph.constant(np.float32(one)) for one in (MIN_PROBABILITY, 1 - MIN_PROBABILITY))
    clipped = graph.op("Clip", outputs, low, high)
    logs = graph.op("Log", clipped)
    if link == "softmax":
        return str(logs)
    rest = graph.op("Sub", graph.constant(np.float32(1)), clipped)
    return str(graph.op("Sub", logs, graph.op("Log", rest)))


def _parsed(content: bytes) -> Any:
    import onnx

    return onnx.ModelProto.FromString(content)


def _inputs(model: Any) -> list[Any]:
    stored = {array.name for array in model.graph.initializer}
    return [one for one in model.graph.input if one.name not in stored]


def _type_name(value: Any) -> str:
    from headstart.onnx_graph.builder import ELEMENT_TYPES

    number = value.type.tensor_type.elem_type
    return next(name for name, code in ELEMENT_TYPES.items() if code == number)


def _axis(axis: Any) -> int | str:
    return axis.dim_value or axis.dim_param or "batch"
