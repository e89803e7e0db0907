"""NgramVectorizer as ONNX nodes: ONNX Runtime's tokenizer finds the words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headstart.sources.onnx_preprocessors.counting import counted

if TYPE_CHECKING:
    from headstart.onnx_graph.builder import GraphBuilder
    from headstart.sources.preprocessors.ngrams import NgramVectorizer

_WORD = r"[\pL\pN_]+|[^\pL\pN_\s\x{85}\x{1c}-\x{1f}\pZ]"  # Python's `\w+|[^\w\s]` in RE2 syntax


def add_nodes(graph: GraphBuilder, preprocessor: NgramVectorizer, items: str, *, are_files: bool) -> dict[str, str]:  # noqa: ARG001
    """Count the terms of texts, (batch,), with one column per term of the vocabulary.

    Raises
    ------
    OptionError
        The vocabulary is empty.
    """
    lower = graph.op("StringLower", items, domain="ai.onnx.contrib")
    words = graph.op("Tokenizer", lower, domain="com.microsoft", tokenexp=_WORD, mark=0, pad_value="", mincharnum=1)
    return counted(graph, words, [term.split(" ") for term in preprocessor.vocabulary])
