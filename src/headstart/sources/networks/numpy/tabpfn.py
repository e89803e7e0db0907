"""TabPFN: a transformer that reads labeled rows of a table as context and gives the classes of other rows; nothing is trained.

Hollmann, Müller, Eggensperger and Hutter, TabPFN: A Transformer That Solves Small Tabular Classification Problems in a
Second, arXiv:2207.01848. Rows have no order: context rows attend to each other, asked rows to the context alone. So what a
layer attends to, keys and values of the context, is computed once.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from headstart.sources.weights import n_layers

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    Floats = NDArray[np.float32]
    Dense = tuple[Floats, Floats]  # weight (n_in, n_out), bias (n_out,)

PREFIX = "module."
NORM_EPSILON = 1e-5
_LAYERS = f"{PREFIX}transformer_encoder.layers."
_CHUNK_ROWS = 512


@dataclass(frozen=True, kw_only=True)
class Layer:
    """Weights of one layer; the scale of the attention is in `key`, which a graph has no need of, so that `query` keeps to half precision."""

    query: Dense
    key: Dense
    value: Dense
    mixed: Dense
    wide: Dense
    narrow: Dense
    norms: tuple[Dense, Dense]


@dataclass(frozen=True, kw_only=True)
class Memory:
    """What asked rows attend to, of every layer.

    Attributes
    ----------
    keys : shape (n_layers, n_heads, size, n)
    values : shape (n_layers, n_heads, n, size)
    """

    keys: Floats
    values: Floats


@dataclass(frozen=True)
class TabPFN:
    """The network.

    Parameters
    ----------
    state : arrays of the checkpoint, with the names that it has there
    n_heads : of the attention
    """

    state: Mapping[str, Floats]
    n_heads: int

    @cached_property
    def layers(self) -> list[Layer]:
        """The layers, from the input to the output."""
        return [self._layer(f"{_LAYERS}{i}.") for i in range(n_layers(self.state, _LAYERS))]

    @cached_property
    def encoder(self) -> Dense:
        """From the columns of a row to its vector."""
        return self._dense(f"{PREFIX}encoder")

    @cached_property
    def decoder(self) -> tuple[Dense, Dense]:
        """From the vector of an asked row to a score a class, GELU between the two."""
        return self._dense(f"{PREFIX}decoder.0"), self._dense(f"{PREFIX}decoder.2")

    def remember(self, rows: Floats, labels: Sequence[int] | NDArray[np.integer]) -> Memory:
        """Read a context.

        Parameters
        ----------
        rows : shape (n, n_columns), at most as many columns as the encoder takes; those that are not there count as 0
        labels : class of each row, from 0, shape (n,)
        """
        label_weight, label_bias = self._dense(f"{PREFIX}y_encoder")
        x = self._encode(rows) + np.asarray(labels, np.float32)[:, None] * label_weight + label_bias
        keys, values = [], []
        for layer in self.layers:
            keys.append(self._heads(dense(x, layer.key)).transpose(0, 2, 1))
            values.append(self._heads(dense(x, layer.value)))
            x = np.concatenate(
                [self._through(layer, part, keys[-1], values[-1]) for part in _chunks(x)] if len(x) else [x]
            )
        return Memory(keys=np.ascontiguousarray(keys), values=np.ascontiguousarray(values))

    def scores(self, memory: Memory, rows: Floats) -> Floats:
        """A score for every class that the network knows, shape (m, n_classes), of rows (m, n_columns)."""
        wide, last = self.decoder
        parts = []
        for part in _chunks(rows):
            x = self._encode(part)
            for layer, keys, values in zip(self.layers, memory.keys, memory.values, strict=True):
                x = self._through(layer, x, keys, values)
            parts.append(dense(gelu(dense(x, wide)), last))
        return np.concatenate(parts) if parts else np.empty((0, len(last[1])), np.float32)

    def _through(self, layer: Layer, x: Floats, keys: Floats, values: Floats) -> Floats:
        logits = self._heads(dense(x, layer.query)) @ keys  # (n_heads, m, n)
        logits -= logits.max(axis=-1, keepdims=True)
        weights = np.exp(logits, out=logits)
        weights /= weights.sum(axis=-1, keepdims=True)
        attended = (weights @ values).transpose(1, 0, 2).reshape(x.shape)
        x = _normalized(x + dense(attended, layer.mixed), layer.norms[0])
        return _normalized(x + dense(gelu(dense(x, layer.wide)), layer.narrow), layer.norms[1])

    def _heads(self, x: Floats) -> Floats:
        return x.reshape(len(x), self.n_heads, -1).transpose(1, 0, 2)

    def _encode(self, rows: Floats) -> Floats:
        weight, bias = self.encoder
        return np.asarray(rows, np.float32) @ weight[: rows.shape[1]] + bias

    def _dense(self, name: str) -> Dense:
        return np.ascontiguousarray(self.state[f"{name}.weight"].T), self.state[f"{name}.bias"]

    def _layer(self, prefix: str) -> Layer:
        weight, bias = (self.state[f"{prefix}self_attn.in_proj_{part}"] for part in ("weight", "bias"))
        width = weight.shape[1]
        query, key, value = (
            (np.ascontiguousarray(weight[i * width : (i + 1) * width].T), bias[i * width : (i + 1) * width])
            for i in range(3)
        )
        scale = np.float32(1 / math.sqrt(width // self.n_heads))
        return Layer(
            query=query,
            key=(key[0] * scale, key[1] * scale),
            value=value,
            mixed=self._dense(f"{prefix}self_attn.out_proj"),
            wide=self._dense(f"{prefix}linear1"),
            narrow=self._dense(f"{prefix}linear2"),
            norms=(self._norm(f"{prefix}norm1"), self._norm(f"{prefix}norm2")),
        )

    def _norm(self, name: str) -> Dense:
        return self.state[f"{name}.weight"], self.state[f"{name}.bias"]


def dense(x: Floats, layer: Dense) -> Floats:
    """A linear layer."""
    y: Floats = x @ layer[0]
    y += layer[1]
    return y


def gelu(x: Floats) -> Floats:
    """x·Φ(x), with the error function within 2e-7: Abramowitz and Stegun, 7.1.26."""
    size = np.abs(x) * np.float32(math.sqrt(0.5))
    t = 1 / (1 + np.float32(0.3275911) * size)
    tail = np.float32(1.061405429) * t
    for coefficient in (-1.453152027, 1.421413741, -0.284496736, 0.254829592):
        tail += np.float32(coefficient)
        tail *= t
    tail *= np.exp(-np.square(size, out=size), out=size)  # 1 - erf, of the size
    tail *= np.float32(0.5)
    return x * np.where(x < 0, tail, 1 - tail)


def _normalized(x: Floats, norm: Dense) -> Floats:
    x = x - x.mean(axis=1, keepdims=True)
    deviation = np.sqrt(np.square(x).mean(axis=1, keepdims=True) + np.float32(NORM_EPSILON))
    normalized: Floats = x / deviation * norm[0] + norm[1]
    return normalized


def _chunks(rows: Floats) -> list[Floats]:
    return [rows[start : start + _CHUNK_ROWS] for start in range(0, len(rows), _CHUNK_ROWS)]
