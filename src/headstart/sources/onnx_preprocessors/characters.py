"""CharacterVectorizer as ONNX nodes: runs of single characters; one across words has a blank inside, and no term has."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from headstart.sources.onnx_preprocessors.counting import counted

if TYPE_CHECKING:
    from headstart.onnx_graph.builder import GraphBuilder
    from headstart.sources.preprocessors.characters import CharacterVectorizer

_EXTENSIONS = "ai.onnx.contrib"
_BLANKS = r"[\s\x0b\x{85}\x{1c}-\x{1f}\pZ]+"  # where Python's `str.split` splits, in RE2 syntax


def add_nodes(graph: GraphBuilder, preprocessor: CharacterVectorizer, items: str, *, are_files: bool) -> dict[str, str]:  # noqa: ARG001
    """Count the terms of texts, (batch,), with one column per term of the vocabulary.

    Raises
    ------
    OptionError
        The vocabulary is empty.
    """
    text = graph.op("StringLower", items, domain=_EXTENSIONS)
    for pattern in ("^", "$", _BLANKS):  # a blank before the first word and after the last, and one between two
        given = (graph.constant(np.array([string], dtype=object)) for string in (pattern, " "))
        text = graph.op("StringRegexReplace", text, *given, domain=_EXTENSIONS)
    letters = graph.op("Tokenizer", text, domain="com.microsoft", separators=[""], mark=0, pad_value="", mincharnum=1)
    return counted(graph, letters, [list(term) for term in preprocessor.vocabulary])
