"""RenamedFields as ONNX nodes: values by other names, scaled, or constants for what is missing."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from headstart.core.errors import OptionError
from headstart.data.modalities import get_modality
from headstart.sources import onnx_preprocessors

if TYPE_CHECKING:
    from collections.abc import Mapping

    from headstart.onnx_graph.builder import GraphBuilder
    from headstart.sources.preprocessors.renamed import FilledField, RenamedFields

_INT64 = 7


def add_nodes(
    graph: GraphBuilder, preprocessor: RenamedFields, items: str | Mapping[str, str], *, are_files: bool
) -> dict[str, str]:
    """Preprocess rows after their fields are renamed, scaled and filled."""
    if isinstance(items, str):
        only = next(one.given for one in preprocessor.fields if one.given is not None)
        items = {only: items}
    values = {one.field.name: _value(graph, items, one) for one in preprocessor.fields}
    inner: str | Mapping[str, str] = next(iter(values.values())) if len(values) == 1 else values
    return onnx_preprocessors.add_nodes(graph, preprocessor.inner, inner, are_files=are_files)


def _value(graph: GraphBuilder, items: Mapping[str, str], one: FilledField) -> str:
    if one.given is None:
        return _missing(graph, one, next(iter(items.values())))
    value = items[one.given]
    if one.scale == 1.0:
        return value
    return graph.op("Mul", graph.op("Cast", value, to=11), graph.constant(np.float64(one.scale)))


def _missing(graph: GraphBuilder, one: FilledField, like: str) -> str:
    """A column without a value, as long as the batch."""
    null = get_modality(one.field.modality).null_value
    if isinstance(null, float) and math.isnan(null):
        constant = graph.constant(np.array([np.nan], np.float64))
    elif isinstance(null, str):
        constant = graph.constant(np.array([null], object))
    else:
        raise OptionError(
            f"a field of {one.field.modality}s that is always missing cannot be written into a graph. Export with "
            "--tensor-inputs, and preprocess items yourself."
        )
    length = graph.op("Slice", graph.op("Shape", like), *(graph.constant(np.array([i], np.int64)) for i in (0, 1)))
    return graph.op("Expand", constant, length)
