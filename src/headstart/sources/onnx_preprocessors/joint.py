"""JointPreprocessor as ONNX nodes: preprocess the same items for each network."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headstart.sources import onnx_preprocessors
from headstart.sources.preprocessors.joint import prefix_of

if TYPE_CHECKING:
    from headstart.onnx_graph.builder import GraphBuilder
    from headstart.sources.preprocessors.joint import JointPreprocessor


def add_nodes(graph: GraphBuilder, preprocessor: JointPreprocessor, items: str, *, are_files: bool) -> dict[str, str]:
    """Preprocess items for each network, with prefixed names of the values."""
    return {
        prefix_of(i) + name: value
        for i, part in enumerate(preprocessor.inputs)
        for name, value in onnx_preprocessors.add_nodes(graph, part, items, are_files=are_files).items()
    }
