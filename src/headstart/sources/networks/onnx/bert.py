"""BERT encoder with mean pooling: a transformer that reads a whole text at once.

Devlin et al., BERT: Pre-training of Deep Bidirectional Transformers, arXiv:1810.04805;
Reimers and Gurevych, Sentence-BERT, arXiv:1908.10084 (mean pooling over the tokens).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from headstart.onnx_graph.builder import FLOAT32, mean_over_tokens
from headstart.sources.weights import n_layers

if TYPE_CHECKING:
    from collections.abc import Mapping

    from headstart.core.dataset import FloatArray
    from headstart.onnx_graph.builder import GraphBuilder
    from headstart.sources.card import Card

    State = Mapping[str, FloatArray]

BATCH_SIZE = 16
_LAYER_NORM_EPSILON = 1e-12
_FAR_BELOW = -1e9  # added to the attention of padding; exp of it is zero in float32


def encode(graph: GraphBuilder, state: State, card: Card) -> str:
    """Add the network up to the mean of its last layer over the tokens: the value of shape (batch, dimensions).

    The inputs are `input_ids` and `attention_mask`, int64, (batch, length). The mean is not normalized: a head may use
    its length.
    """
    ids = graph.input("input_ids", "int64", ["batch", "length"])
    mask = graph.op("Cast", graph.input("attention_mask", "int64", ["batch", "length"]), to=FLOAT32)
    padding = graph.op(
        "Mul", graph.op("Sub", graph.constant(np.float32(1)), mask), graph.constant(np.float32(_FAR_BELOW))
    )
    padding = graph.op("Unsqueeze", padding, graph.constant(np.array([1, 2])))  # (batch, 1, 1, length)
    x = _embed(graph, state, ids)
    for layer in range(n_layers(state, "encoder.layer.")):
        prefix = f"encoder.layer.{layer}."
        attended = _attention(graph, state, x, padding, prefix, n_heads=card.network["heads"])
        x = _layer_norm(graph, state, graph.op("Add", attended, x), f"{prefix}attention.output.LayerNorm")
        x = _layer_norm(graph, state, graph.op("Add", _mlp(graph, state, x, prefix), x), f"{prefix}output.LayerNorm")
    return mean_over_tokens(graph, x, mask)


def initialise(name: str, array: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Draw random weights for one array of the state as in BERT: normal with standard deviation 0.02."""
    if name.endswith("bias"):
        return np.zeros(array.shape, np.float32)
    if "LayerNorm" in name:
        return np.ones(array.shape, np.float32)
    return rng.normal(0.0, 0.02, array.shape).astype(np.float32)


def _embed(graph: GraphBuilder, state: State, ids: str) -> str:
    words = graph.op("Gather", graph.constant(state["embeddings.word_embeddings.weight"]), ids)
    # all tokens are in the first segment, so its vector is added to the position table
    places = state["embeddings.position_embeddings.weight"] + state["embeddings.token_type_embeddings.weight"][0]
    length = graph.op("Shape", ids, start=1, end=2)
    used = graph.op("Slice", graph.constant(places), graph.constant(np.array([0])), length)
    return _layer_norm(graph, state, graph.op("Add", words, used), "embeddings.LayerNorm")


def _attention(graph: GraphBuilder, state: State, x: str, padding: str, prefix: str, *, n_heads: int) -> str:
    part = f"{prefix}attention.self."
    width = state[f"{part}query.weight"].shape[0]
    query, key, value = (
        _heads(graph, _dense(graph, state, x, f"{part}{name}"), n_heads, width // n_heads, order)
        for name, order in (("query", [0, 2, 1, 3]), ("key", [0, 2, 3, 1]), ("value", [0, 2, 1, 3]))
    )
    scale = graph.constant(np.float32(1 / math.sqrt(width // n_heads)))
    scores = graph.op("Mul", graph.op("MatMul", query, key), scale)  # (batch, heads, length, length)
    weights = graph.op("Softmax", graph.op("Add", scores, padding), axis=-1)
    mixed = graph.op("Transpose", graph.op("MatMul", weights, value), perm=[0, 2, 1, 3])
    joined = graph.op("Reshape", mixed, graph.constant(np.array([0, 0, width])))
    return _dense(graph, state, joined, f"{prefix}attention.output.dense")


def _heads(graph: GraphBuilder, x: str, n_heads: int, size: int, order: list[int]) -> str:
    return graph.op("Transpose", graph.op("Reshape", x, graph.constant(np.array([0, 0, n_heads, size]))), perm=order)


def _mlp(graph: GraphBuilder, state: State, x: str, prefix: str) -> str:
    return _dense(
        graph, state, _gelu(graph, _dense(graph, state, x, f"{prefix}intermediate.dense")), f"{prefix}output.dense"
    )


def _gelu(graph: GraphBuilder, x: str) -> str:
    """x·Φ(x), in the form that ONNX Runtime recognizes and fuses."""
    bell = graph.op("Erf", graph.op("Div", x, graph.constant(np.float32(math.sqrt(2)))))
    doubled = graph.op("Mul", x, graph.op("Add", bell, graph.constant(np.float32(1))))
    return graph.op("Mul", doubled, graph.constant(np.float32(0.5)))


def _dense(graph: GraphBuilder, state: State, x: str, name: str) -> str:
    product = graph.op("MatMul", x, graph.constant(np.ascontiguousarray(state[f"{name}.weight"].T)))
    return graph.op("Add", product, graph.constant(state[f"{name}.bias"]))


def _layer_norm(graph: GraphBuilder, state: State, x: str, name: str) -> str:
    scale, bias = (graph.constant(state[f"{name}.{part}"]) for part in ("weight", "bias"))
    return graph.op("LayerNormalization", x, scale, bias, axis=-1, epsilon=_LAYER_NORM_EPSILON)
