"""JointPreprocessor as ONNX nodes: preprocess the same items, or a field of them, for each network."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headstart.sources import onnx_preprocessors
from headstart.sources.preprocessors.joint import prefix_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from headstart.onnx_graph.builder import GraphBuilder
    from headstart.sources.preprocessors.joint import JointPreprocessor


def add_nodes(
    graph: GraphBuilder, preprocessor: JointPreprocessor, items: str | Mapping[str, str], *, are_files: bool
) -> dict[str, str]:
    """Preprocess items for each network, with prefixed names of the values; for rows, `items` has a value per field."""
    return {
        prefix_of(i) + name: value
        for i, (part, field) in enumerate(zip(preprocessor.inputs, preprocessor.fields, strict=True))
        for name, value in onnx_preprocessors.add_nodes(
            graph, part, _value_of(items, field), are_files=are_files
        ).items()
    }


def _value_of(items: str | Mapping[str, str], field: str | None) -> str | Mapping[str, str]:
    return items if field is None or isinstance(items, str) else items[field]
