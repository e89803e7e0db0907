"""Preprocessors as ONNX nodes, one file per kind, so that a runtime can preprocess items without Python.

A part of the kind `onnx_preprocessors`, by the kind of the preprocessor, is a function
`add_nodes(graph, preprocessor, items, *, are_files)`. It adds nodes that turn the value `items` into the arrays of
`preprocessor.transform`, and returns those values by name. Photos are `items` of shape (batch, height, width, 3), uint8, RGB and
upright, decoded from files or given as arrays; texts are strings, (batch,).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from headstart.core import registry
from headstart.core.errors import OptionError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from headstart.core.model import Preprocessor
    from headstart.onnx_graph.builder import GraphBuilder


def add_nodes(
    graph: GraphBuilder, preprocessor: Preprocessor, items: str | Mapping[str, str], *, are_files: bool
) -> dict[str, str]:
    """Add the nodes that preprocess `items` like `preprocessor`, and return the resulting values by name.

    Of rows of several fields `items` has a value a field, by its name.

    Raises
    ------
    OptionError
        This kind of preprocessor or tokenizer cannot be written into a graph.
    """
    if preprocessor.kind not in registry.names("onnx_preprocessors"):
        raise OptionError(
            f"a preprocessor of the kind '{preprocessor.kind}' cannot be written into a graph. Supported: "
            f"{', '.join(registry.names('onnx_preprocessors'))}. Export with --tensor-inputs, and preprocess items yourself."
        )
    values: dict[str, str] = registry.get("onnx_preprocessors", preprocessor.kind)(
        graph, preprocessor, items, are_files=are_files
    )
    return values
