"""Nodes that count the terms of a vocabulary: a standard operator finds runs of tokens."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from headstart.core.errors import OptionError
from headstart.onnx_graph.arithmetic import Value, sizes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from headstart.onnx_graph.builder import GraphBuilder


def counted(graph: GraphBuilder, tokens: str, terms: Sequence[Sequence[str]]) -> dict[str, str]:
    """Count terms in tokens, (batch, length), with one column per term.

    Parameters
    ----------
    terms : each a run of tokens

    Raises
    ------
    OptionError
        There is no term.
    """
    if not terms:
        raise OptionError("a model with an empty vocabulary cannot be written into a graph. Fit it on more texts.")
    longest = max(map(len, terms))
    runs = [[i for i, term in enumerate(terms) if len(term) == n] for n in range(1, longest + 1)]
    order = [i for run in runs for i in run]
    begins = np.cumsum([0, *(len(run) * n for n, run in enumerate(runs, start=1))])[:-1]
    counts = graph.op(
        "TfIdfVectorizer",
        tokens,
        mode="TF",
        min_gram_length=1,
        max_gram_length=longest,
        max_skip_count=0,
        ngram_counts=begins.tolist(),
        ngram_indexes=order,
        pool_strings=[token for i in order for token in terms[i]],
    )  # (batch, n_terms)
    columns = Value(graph, graph.constant(np.arange(len(terms))), "int64")
    return {"ids": columns.apply("Expand", sizes(graph, counts)).name, "counts": counts}
