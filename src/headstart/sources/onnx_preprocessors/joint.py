"""JointInput as a graph: the same items are prepared for each network."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headstart.sources import onnx_preprocessors
from headstart.sources.preprocessors.joint import prefix_of

if TYPE_CHECKING:
    from headstart.onnx_graph.builder import GraphBuilder
    from headstart.sources.preprocessors.joint import JointPreprocessor


def add_nodes(graph: GraphBuilder, prepared: JointPreprocessor, items: str, *, are_files: bool) -> dict[str, str]:
    """Prepare items for each network, the names of the values prefixed."""
    return {
        prefix_of(i) + name: value
        for i, part in enumerate(prepared.inputs)
        for name, value in onnx_preprocessors.add_nodes(graph, part, items, are_files=are_files).items()
    }
