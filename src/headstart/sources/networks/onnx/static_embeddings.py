"""Static embeddings: a text is the mean of its tokens' vectors; microseconds per text, no word order.

Arora, Liang and Ma, A Simple but Tough-to-Beat Baseline for Sentence Embeddings, ICLR 2017 (means of word vectors).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from headstart.onnx_graph.builder import FLOAT32, mean_over_tokens

if TYPE_CHECKING:
    from collections.abc import Mapping

    from headstart.core.dataset import FloatArray
    from headstart.onnx_graph.builder import GraphBuilder
    from headstart.sources.card import Card

BATCH_SIZE = 16


def encode(graph: GraphBuilder, state: Mapping[str, FloatArray], card: Card) -> str:
    """Add the table, the state's one array, and the mean over the tokens: the value of shape (batch, dimensions).

    The inputs are `input_ids` and `attention_mask`, int64, (batch, length). The table keeps the precision of its file. If the
    card's network has an `unknown_token`, that token counts as padding. The mean is not normalized: a head may use its length.
    """
    (table,) = state.values()
    ids = graph.input("input_ids", "int64", ["batch", "length"])
    mask = graph.op("Cast", graph.input("attention_mask", "int64", ["batch", "length"]), to=FLOAT32)
    if "unknown_token" in card.network:
        is_unknown = graph.op("Equal", ids, graph.constant(np.array(card.network["unknown_token"])))
        mask = graph.op("Where", is_unknown, graph.constant(np.float32(0)), mask)
    vectors = graph.op("Gather", graph.constant(table), ids)
    vectors = graph.op("Cast", vectors, to=FLOAT32)  # (batch, length, dimensions)
    return mean_over_tokens(graph, vectors, mask)


def initialise(name: str, array: FloatArray, rng: np.random.Generator) -> FloatArray:  # noqa: ARG001
    """Draw random vectors with the standard deviation of the trained ones."""
    return rng.normal(0.0, float(np.std(array, dtype=np.float32)), array.shape).astype(array.dtype)
