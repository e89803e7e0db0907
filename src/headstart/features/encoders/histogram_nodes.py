"""Histograms of colours and of edge directions as ONNX nodes, which compute them in training and in a bundle.

Swain and Ballard, Color indexing, IJCV 1991. Dalal and Triggs, Histograms of oriented gradients for human detection, CVPR 2005.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from headstart.onnx_graph.arithmetic import Value

if TYPE_CHECKING:
    from headstart.onnx_graph.builder import GraphBuilder

SIZE_PX = 96
_N_JOINT, _N_SINGLE = 5, 8  # bins a channel: of all channels together, and of each by itself
_GRID = 3  # the photo is cut into 3 × 3 parts for the histograms of single channels
_N_DIRECTIONS, _CELLS = 8, 6  # of edges, in 6 × 6 cells
DIMENSIONS = _N_JOINT**3 + 3 * _N_SINGLE * _GRID**2 + _N_DIRECTIONS * _CELLS**2

_CHANNELS = np.array(
    [[0.299, 0.587, 0.114], [0.5, -0.5, 0.0], [-0.25, -0.25, 0.5]], np.float32
)  # brightness, opponents
_OFFSETS = np.array([0.0, 0.5, 0.5], np.float32)
_RANGES = ((0.0, 1.0), (0.2, 0.8), (0.2, 0.8))  # few colours are outside; they count for the outermost bin
_FAINT = 0.01  # length of a gradient, and mean of a cell, that counts for little


def add_histograms(graph: GraphBuilder, pixels: str) -> str:
    """Add the nodes; `pixels` are uint8, (batch, SIZE_PX, SIZE_PX, 3), the value has shape (batch, DIMENSIONS)."""
    photo = Value(graph, pixels, "uint8").cast("float32").apply("Transpose", perm=[0, 3, 1, 2]) / 255
    parts = [*_colours(photo), _edges(photo)]
    flat = [part.apply("Flatten").name for part in parts]
    return graph.op("Sqrt", graph.op("Concat", *flat, axis=1))  # shares of pixels: differences of small ones count too


def _colours(photo: Value) -> list[Value]:
    """Shares of the joint colours in the photo, and of each channel in its parts."""
    half = _pooled(photo, 2)
    mixed = half.apply("Conv", _array(photo, _CHANNELS[:, :, None, None]), _array(photo, _OFFSETS))
    channels = [
        mixed.apply("Slice", *(_array(photo, np.array([at])) for at in (i, i + 1, 1))).at_least(low).at_most(high)
        for i, (low, high) in enumerate(_RANGES)
    ]  # (batch, 1, height, width) each
    side = SIZE_PX // 2
    joint = _bins(channels[0], 0, _N_JOINT)
    for i, channel in enumerate(channels[1:], start=1):
        wide = joint.apply("Unsqueeze", _array(photo, np.array([2]))) * _bins(channel, i, _N_JOINT).apply(
            "Unsqueeze", _array(photo, np.array([1]))
        )
        joint = wide.shaped(0, _N_JOINT ** (i + 1), side, side)
    single = [_bins(channel, i, _N_SINGLE) for i, channel in enumerate(channels)]
    maps = single[0].apply("Concat", *single[1:], axis=1)
    return [joint.apply("GlobalAveragePool"), _pooled(maps, side // _GRID)]


def _bins(channel: Value, number: int, n_bins: int) -> Value:
    """Share each pixel of (batch, 1, height, width) between the two nearest of some levels: (batch, n_bins, height, width)."""
    low, high = _RANGES[number]
    levels = np.linspace(low, high, n_bins, dtype=np.float32)[:, None, None]
    distance = (channel - _array(channel, levels)).apply("Abs") * ((n_bins - 1) / (high - low))
    return (1 - distance).apply("Relu")


def _edges(photo: Value) -> Value:
    """Strength of edges by direction in each cell, relative to the strength around it."""
    brightness = photo.apply("Conv", _array(photo, _CHANNELS[:1, :, None, None]))
    kernels = np.zeros((2, 1, 3, 3), np.float32)
    kernels[0, 0, 1] = kernels[1, 0, :, 1] = (-1, 0, 1)
    slope = brightness.apply("Conv", _array(photo, kernels))
    angles = np.arange(_N_DIRECTIONS) * np.pi / _N_DIRECTIONS
    directions = np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)[:, :, None, None]
    along = slope.apply("Conv", _array(photo, directions)).apply("Abs")
    length = (_summed_squares(slope) + _FAINT**2).apply("Sqrt")
    share = along / length  # the cosine of the angle between the gradient and the direction
    power = share * share
    power = power * power
    strength = power * power * length
    cells = _pooled(strength.apply("Pad", _array(photo, np.array([0, 0, 1, 1, 0, 0, 1, 1]))), SIZE_PX // _CELLS)
    around = _summed_squares(cells).apply("AveragePool", kernel_shape=[3, 3], strides=[1, 1], pads=[1, 1, 1, 1])
    return cells / (around + _FAINT**2).apply("Sqrt")


def _summed_squares(x: Value) -> Value:
    return (x * x).apply("ReduceSum", _array(x, np.array([1])), keepdims=1)


def _pooled(x: Value, width: int) -> Value:
    """Average over squares of pixels."""
    return x.apply("AveragePool", kernel_shape=[width, width], strides=[width, width])


def _array(near: Value, array: np.ndarray[tuple[int, ...], np.dtype[np.generic]]) -> Value:
    return Value(near.graph, near.graph.constant(array), array.dtype.name)
