"""NgramVectorizer as ONNX nodes: ONNX Runtime's tokenizer finds the words, a standard operator counts n-grams."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from headstart.core.errors import OptionError
from headstart.onnx_graph.arithmetic import Value, sizes

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
    if not preprocessor.vocabulary:
        raise OptionError("a model with an empty vocabulary cannot be written into a graph. Fit it on more texts.")
    lower = graph.op("StringLower", items, domain="ai.onnx.contrib")
    words = graph.op("Tokenizer", lower, domain="com.microsoft", tokenexp=_WORD, mark=0, pad_value="", mincharnum=1)
    runs = [
        [i for i, term in enumerate(preprocessor.vocabulary) if term.count(" ") == n]
        for n in range(preprocessor.max_words)
    ]
    order = [i for run in runs for i in run]
    pool = [preprocessor.vocabulary[i].split(" ") for i in order]
    begins = np.cumsum([0, *(len(run) * (n + 1) for n, run in enumerate(runs))])[:-1]
    counts = graph.op(
        "TfIdfVectorizer",
        words,
        mode="TF",
        min_gram_length=1,
        max_gram_length=preprocessor.max_words,
        max_skip_count=0,
        ngram_counts=begins.tolist(),
        ngram_indexes=order,
        pool_strings=[word for term in pool for word in term],
    )  # (batch, n_terms)
    columns = Value(graph, graph.constant(np.arange(len(pool))), "int64")
    return {"ids": columns.apply("Expand", sizes(graph, counts)).name, "counts": counts}
