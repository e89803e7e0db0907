"""NoPreprocessor as ONNX nodes: a zero per item."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headstart.onnx_graph.arithmetic import sizes

if TYPE_CHECKING:
    from collections.abc import Mapping

    from headstart.onnx_graph.builder import GraphBuilder
    from headstart.sources.preprocessors.nothing import NoPreprocessor


def add_nodes(
    graph: GraphBuilder,
    preprocessor: NoPreprocessor,  # noqa: ARG001
    items: str | Mapping[str, str],
    *,
    are_files: bool,  # noqa: ARG001
) -> dict[str, str]:
    """Count the items; for rows, the values of any field."""
    one = items if isinstance(items, str) else next(iter(items.values()))
    return {"rows": (sizes(graph, one)[0].count_up() * 0).name}
