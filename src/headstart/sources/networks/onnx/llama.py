"""Llama decoder with mean pooling: a language model whose last hidden states, averaged over a text, are its features.

Touvron et al., LLaMA: Open and Efficient Foundation Language Models, arXiv:2302.13971; Ainslie et al., GQA, arXiv:2305.13245
(groups of queries share keys and values); Su et al., RoFormer, arXiv:2104.09864 (rotary positions); Shazeer, GLU Variants
Improve Transformer, arXiv:2002.05202 (SwiGLU); Zhang and Sennrich, Root Mean Square Layer Normalization, arXiv:1910.07467.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
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

BATCH_SIZE = 8
_FAR_BELOW = -1e9  # added to the attention of later tokens; exp of it is zero in float32


@dataclass(frozen=True, kw_only=True)
class _Places:
    """Values that depend on a token's position.

    Attributes
    ----------
    cosine, sine : of the rotation angles of each position, for both halves of a head, (length, head size)
    later : the causal mask, (length, length), zero up to the diagonal
    """

    cosine: str
    sine: str
    later: str


def encode(graph: GraphBuilder, state: State, card: Card) -> str:
    """Add the network up to the mean of its last hidden states over the tokens: the value of shape (batch, dimensions).

    The inputs are `input_ids` and `attention_mask`, int64, (batch, length), padded at the end: a token attends only to earlier
    ones, so that padding matters only in the mean. The weights keep the precision of their file.
    """
    ids = graph.input("input_ids", "int64", ["batch", "length"])
    mask = graph.op("Cast", graph.input("attention_mask", "int64", ["batch", "length"]), to=FLOAT32)
    places = _places(graph, card, graph.op("Shape", ids, start=1, end=2))
    epsilon, n_heads = card.network["epsilon"], card.network["heads"]
    x = graph.op("Cast", graph.op("Gather", graph.constant(state["embed_tokens.weight"]), ids), to=FLOAT32)
    for layer in range(n_layers(state, "layers.")):
        prefix = f"layers.{layer}."
        normed = _norm(graph, state, x, f"{prefix}input_layernorm", epsilon=epsilon)
        x = graph.op("Add", x, _attention(graph, state, normed, f"{prefix}self_attn.", places, n_heads=n_heads))
        normed = _norm(graph, state, x, f"{prefix}post_attention_layernorm", epsilon=epsilon)
        x = graph.op("Add", x, _mlp(graph, state, normed, f"{prefix}mlp."))
    return mean_over_tokens(graph, _norm(graph, state, x, "norm", epsilon=epsilon), mask)


def initialise(name: str, array: FloatArray, rng: np.random.Generator) -> FloatArray:  # noqa: ARG001
    """Draw random weights for one array of the state: normal with standard deviation 1/√width; norms at identity."""
    if array.ndim == 1:
        return np.ones(array.shape, array.dtype)
    return rng.normal(0.0, 1 / math.sqrt(array.shape[1]), array.shape).astype(array.dtype)


def _places(graph: GraphBuilder, card: Card, length: str) -> _Places:
    size = card.dimensions // card.network["heads"]
    frequency = card.network["rotary_base"] ** (-np.arange(0, size, 2) / size)
    angle = np.outer(np.arange(card.input["max_tokens"]), frequency)
    tables = (np.tile(np.cos(angle), 2), np.concatenate([-np.sin(angle), np.sin(angle)], axis=1))
    start = graph.constant(np.array([0]))
    cosine, sine = (graph.op("Slice", graph.constant(t.astype(np.float32)), start, length) for t in tables)
    square = graph.op("Expand", graph.constant(np.float32(_FAR_BELOW)), graph.op("Concat", length, length, axis=0))
    return _Places(cosine=cosine, sine=sine, later=graph.op("Trilu", square, graph.constant(np.array(1)), upper=1))


def _attention(graph: GraphBuilder, state: State, x: str, prefix: str, places: _Places, *, n_heads: int) -> str:
    """Causal attention; heads are arranged as (key heads, queries per key head)."""
    width, n_shared = state[f"{prefix}q_proj.weight"].shape[0], state[f"{prefix}k_proj.weight"].shape[0]
    size = width // n_heads
    n_groups = n_shared // size
    query, key, value = (
        _heads(graph, _dense(graph, state, x, f"{prefix}{name}"), [0, 0, n_groups, n, size])
        for name, n in (("q_proj", n_heads // n_groups), ("k_proj", 1), ("v_proj", 1))
    )
    query, key = (_turn(graph, heads, places, size) for heads in (query, key))
    key = graph.op("Transpose", key, perm=[0, 1, 2, 4, 3])
    scores = graph.op("Mul", graph.op("MatMul", query, key), graph.constant(np.float32(1 / math.sqrt(size))))
    weights = graph.op(
        "Softmax", graph.op("Add", scores, places.later), axis=-1
    )  # (batch, groups, shared, length, length)
    mixed = graph.op("Transpose", graph.op("MatMul", weights, value), perm=[0, 3, 1, 2, 4])
    joined = graph.op("Reshape", mixed, graph.constant(np.array([0, 0, width])))
    return _dense(graph, state, joined, f"{prefix}o_proj")


def _heads(graph: GraphBuilder, x: str, shape: list[int]) -> str:
    return graph.op("Transpose", graph.op("Reshape", x, graph.constant(np.array(shape))), perm=[0, 2, 3, 1, 4])


def _turn(graph: GraphBuilder, x: str, places: _Places, size: int) -> str:
    """Rotate each pair (i, i + size/2) of a head's numbers by its position's angle."""
    first, second = (
        graph.op("Slice", x, *(graph.constant(np.array([end])) for end in (start, start + size // 2, -1)))
        for start in (0, size // 2)
    )
    swapped = graph.op("Concat", second, first, axis=-1)
    return graph.op("Add", graph.op("Mul", x, places.cosine), graph.op("Mul", swapped, places.sine))


def _mlp(graph: GraphBuilder, state: State, x: str, prefix: str) -> str:
    gate = _dense(graph, state, x, f"{prefix}gate_proj")
    gate = graph.op("Mul", gate, graph.op("Sigmoid", gate))
    return _dense(
        graph, state, graph.op("Mul", gate, _dense(graph, state, x, f"{prefix}up_proj")), f"{prefix}down_proj"
    )


def _dense(graph: GraphBuilder, state: State, x: str, name: str) -> str:
    weight = graph.constant(np.ascontiguousarray(state[f"{name}.weight"].T))
    return graph.op("MatMul", x, graph.op("Cast", weight, to=FLOAT32))


def _norm(graph: GraphBuilder, state: State, x: str, name: str, *, epsilon: float) -> str:
    """Divide by the root mean square, in the form that ONNX Runtime recognizes and fuses."""
    squares = graph.op("Pow", x, graph.constant(np.float32(2)))
    mean = graph.op("ReduceMean", squares, graph.constant(np.array([-1])), keepdims=1)
    root = graph.op("Sqrt", graph.op("Add", mean, graph.constant(np.float32(epsilon))))
    scale = graph.constant(state[f"{name}.weight"].astype(np.float32))
    return graph.op("Mul", graph.op("Div", x, root), scale)
