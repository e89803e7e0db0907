"""Preprocessing written into a graph, one kind of input a file: what `prepare` does with items, a runtime does without Python.

A part of the kind `onnx_preprocessors` has the name of an input's kind and is a function `attach(graph, prepared, items, *, are_files)`. It adds
the nodes that turn the value `items` into the arrays of `prepared.prepare`, and returns those values by name. Photos are `items` of
shape (batch, height, width, 3), uint8, RGB and upright, decoded from files or given as arrays; texts are strings, (batch,).
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
    graph: GraphBuilder, prepared: Preprocessor, items: str | Mapping[str, str], *, are_files: bool
) -> dict[str, str]:
    """Add the nodes that prepare `items` as `prepared` does, and return the prepared values by name.

    Of rows of several fields `items` has a value a field, by its name.

    Raises
    ------
    OptionError
        This kind of input, or of tokenizer, cannot be written into a graph.
    """
    if prepared.kind not in registry.names("onnx_preprocessors"):
        raise OptionError(
            f"an input of the kind '{prepared.kind}' cannot be written into a graph. Known: "
            f"{', '.join(registry.names('onnx_preprocessors'))}. Export with --tensor-inputs, and prepare items yourself."
        )
    values: dict[str, str] = registry.get("onnx_preprocessors", prepared.kind)(
        graph, prepared, items, are_files=are_files
    )
    return values
