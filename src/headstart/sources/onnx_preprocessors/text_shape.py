"""TextShape as ONNX nodes: matches are counted by how much longer a text is if each becomes one character, not none."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from headstart.onnx_graph.arithmetic import Value
from headstart.sources.preprocessors.text_shape import PATTERNS

if TYPE_CHECKING:
    from headstart.onnx_graph.builder import GraphBuilder
    from headstart.sources.preprocessors.text_shape import TextShape

_EXTENSIONS = "ai.onnx.contrib"


def add_nodes(graph: GraphBuilder, preprocessor: TextShape, items: str, *, are_files: bool) -> dict[str, str]:  # noqa: ARG001
    """Count the patterns in texts, (batch,)."""
    columns = [
        _length(graph, items, PATTERNS[name], "x") - _length(graph, items, PATTERNS[name], "")
        for name in preprocessor.counted
    ]
    shape = graph.op("Concat", *(column.shaped(-1, 1).cast("float32").name for column in columns), axis=1)
    return {"shape": shape}


def _length(graph: GraphBuilder, texts: str, pattern: str, instead: str) -> Value:
    """Length of each text with all matches replaced."""
    given = (graph.constant(np.array([string], dtype=object)) for string in (pattern, instead))
    replaced = graph.op("StringRegexReplace", texts, *given, domain=_EXTENSIONS)
    return Value(graph, graph.op("StringLength", replaced, domain=_EXTENSIONS), "int64")
