"""TabPFN in a graph, for contexts that stay as they are: their keys and values are constants, so that a row costs little.

Hollmann et al., arXiv:2207.01848. Several contexts of the same length, the members of an ensemble, are one batch of matrices.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from headstart.onnx_graph.builder import FLOAT32
from headstart.sources.networks.numpy.tabpfn import NORM_EPSILON

if TYPE_CHECKING:
    from collections.abc import Sequence

    from headstart.onnx_graph.builder import GraphBuilder
    from headstart.sources.networks.numpy.tabpfn import Dense, Floats, Layer, Memory, TabPFN


def extend(graph: GraphBuilder, network: TabPFN, memories: Sequence[Memory], x: str) -> str:
    """Add the layers and the first half of the decoder after the vectors of asked rows.

    Parameters
    ----------
    memories : of every member, of equally many rows
    x : value of shape (n_members, batch, width)

    Returns
    -------
    the value of shape (n_members, batch, n_hidden) that the second half of the decoder reads
    """
    n_heads, width = network.n_heads, network.encoder[0].shape[1]
    split = graph.constant(np.array([0, 0, n_heads, width // n_heads]))
    joined = graph.constant(np.array([0, 0, width]))
    for i, layer in enumerate(network.layers):
        keys, values = (_stored(graph, np.stack([getattr(one, part)[i] for one in memories])) for part in _PARTS)
        query = graph.op("Transpose", graph.op("Reshape", _dense(graph, x, layer.query), split), perm=[0, 2, 1, 3])
        weights = graph.op("Softmax", graph.op("MatMul", query, keys), axis=-1)  # (n_members, n_heads, batch, n)
        mixed = graph.op("Transpose", graph.op("MatMul", weights, values), perm=[0, 2, 1, 3])
        mixed = _dense(graph, graph.op("Reshape", mixed, joined), layer.mixed)
        x = _normalized(graph, graph.op("Add", x, mixed), layer.norms[0])
        x = _normalized(graph, graph.op("Add", x, _mlp(graph, x, layer)), layer.norms[1])
    return _gelu(graph, _dense(graph, x, network.decoder[0]))


_PARTS = ("keys", "values")


def _mlp(graph: GraphBuilder, x: str, layer: Layer) -> str:
    return _dense(graph, _gelu(graph, _dense(graph, x, layer.wide)), layer.narrow)


def _gelu(graph: GraphBuilder, x: str) -> str:
    """x·Φ(x), in the form that ONNX Runtime recognizes and fuses."""
    bell = graph.op("Erf", graph.op("Div", x, graph.constant(np.float32(math.sqrt(2)))))
    doubled = graph.op("Mul", x, graph.op("Add", bell, graph.constant(np.float32(1))))
    return graph.op("Mul", doubled, graph.constant(np.float32(0.5)))


def _dense(graph: GraphBuilder, x: str, layer: Dense) -> str:
    return graph.op("Add", graph.op("MatMul", x, _stored(graph, layer[0])), graph.constant(layer[1]))


def _normalized(graph: GraphBuilder, x: str, norm: Dense) -> str:
    scale, bias = map(graph.constant, norm)
    return graph.op("LayerNormalization", x, scale, bias, axis=-1, epsilon=NORM_EPSILON)


def _stored(graph: GraphBuilder, array: Floats) -> str:
    """A constant in half precision where that loses nothing: the runtime makes it single again as it opens the graph."""
    half = array.astype(np.float16)
    if not np.array_equal(half, array):
        return graph.constant(array)
    return graph.op("Cast", graph.constant(half), to=FLOAT32)
