"""ImagePreprocessor as ONNX nodes: Pillow's resampling, bit for bit, in standard operators.

Pillow computes a weight for each pair of input and output pixels in double precision, rounds it to 22 bits, and sums in integers:
along rows first, then along columns, each sum rounded to 8 bits. Here the weights are matrices, computed from the size of the photo;
doubles hold the sums exactly. A much larger photo is averaged over small boxes first (`reducing_gap`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from headstart.onnx_graph.arithmetic import Value, joined, sizes

if TYPE_CHECKING:
    from headstart.onnx_graph.builder import GraphBuilder
    from headstart.sources.preprocessors.pixels import ImagePreprocessor

_REDUCING_GAP = 3.0
_SUPPORT = 2.0  # radius of the cubic filter, in pixels
_MARGIN = 1.5  # pixels of the result that are kept around the visible part when reducing
_WEIGHT_SCALE = 2.0**22
_BOX_SCALE = 2.0**24
_GREY = 127


@dataclass(frozen=True, kw_only=True)
class _Side:
    """How one side of the photo maps to one side of the result; scalars, in pixels.

    Attributes
    ----------
    length : of the photo, or of its reduced part
    start, end : the visible part
    target : of the result
    """

    length: Value
    start: Value
    end: Value
    target: Value


def add_nodes(graph: GraphBuilder, preprocessor: ImagePreprocessor, items: str, *, are_files: bool) -> dict[str, str]:
    """Resize photos of one size, uint8, (batch, height, width, 3)."""
    size = sizes(graph, items).cast("float64")
    sides = _sides(preprocessor, size[1], size[2], are_files=are_files)
    photo, rows, columns = _reduced(Value(graph, items, "uint8"), *sides)
    pixels = _resized(photo.apply("Transpose", perm=[0, 3, 1, 2]), rows, columns)
    pixels = pixels.cast("uint8").apply("Transpose", perm=[0, 2, 3, 1])
    return {"pixels": (_on_grey(preprocessor, pixels, rows, columns) if preprocessor.resize == "pad" else pixels).name}


def _sides(preprocessor: ImagePreprocessor, height: Value, width: Value, *, are_files: bool) -> tuple[_Side, _Side]:
    """Rows and columns, as `ImagePreprocessor` chooses them."""
    goals = height.constant(preprocessor.height_px), width.constant(preprocessor.width_px)
    zero = height.constant(0)
    rows, columns = (
        _Side(length=length, start=zero, end=length, target=goal)
        for length, goal in zip((height, width), goals, strict=True)
    )
    if preprocessor.resize == "crop":
        return _centre(preprocessor, rows, columns, are_files=are_files)
    if preprocessor.resize == "pad":
        scale = (goals[0] / height).at_most(goals[1] / width)
        rows, columns = (
            replace(side, target=(side.length * scale).apply("Round").at_least(1)) for side in (rows, columns)
        )
    return rows, columns


def _centre(preprocessor: ImagePreprocessor, rows: _Side, columns: _Side, *, are_files: bool) -> tuple[_Side, _Side]:
    """Crop the center; an array that already has the network's size is not cropped."""
    scale = (rows.length / rows.target).at_most(columns.length / columns.target) * preprocessor.crop_share
    is_ready = rows.length.equals(preprocessor.height_px) & columns.length.equals(preprocessor.width_px)
    cut = []
    for side in (rows, columns):
        visible = side.target * scale
        start = ((side.length - visible) / 2).at_least(0)
        end = (start + visible).at_most(side.length)
        if not are_files:
            start, end = side.start.where(is_ready, start), side.end.where(is_ready, end)
        cut.append(replace(side, start=start, end=end))
    return cut[0], cut[1]


def _reduced(photo: Value, rows: _Side, columns: _Side) -> tuple[Value, _Side, _Side]:
    """Average boxes of whole pixels, so that the result is still at least `_REDUCING_GAP` times too large; doubles."""
    sides = (rows, columns)
    factors = [((side.end - side.start) / side.target / _REDUCING_GAP).floor().at_least(1) for side in sides]
    is_large = factors[0].at_least(factors[1]) > 1
    parts = [_kept(side, is_large) for side in sides]
    counts = [((end - first) / factor).ceil() for (first, end), factor in zip(parts, factors, strict=True)]
    photo = _cropped(photo, parts)
    totals = _box_sums(photo, factors, counts)
    fills = [
        (end - first - count.count_up() * factor).at_most(factor)  # pixels in each box: the last may hold fewer
        for (first, end), factor, count in zip(parts, factors, counts, strict=True)
    ]
    n = fills[0].shaped(-1, 1, 1) * fills[1].shaped(1, -1, 1)
    multiplier = (2.0**32 / (n * 256).cast("float32")).floor().cast("float64")  # the inverse of n, in 24 bits
    averaged = ((totals + n // 2) * multiplier / _BOX_SCALE).floor()
    left = [
        _Side(length=count, start=(side.start - first) / factor, end=(side.end - first) / factor, target=side.target)
        for side, (first, _), factor, count in zip(sides, parts, factors, counts, strict=True)
    ]
    return averaged, left[0], left[1]


def _kept(side: _Side, is_large: Value) -> tuple[Value, Value]:
    """Start and end of the part that is averaged: the visible part and the filter's margin around it."""
    margin = (side.end - side.start) / side.target * _MARGIN
    first = (side.start - margin).floor().at_least(0)
    end = (side.end + margin).ceil().at_most(side.length)
    return first.where(is_large, 0), end.where(is_large, side.length)


def _cropped(photo: Value, parts: list[tuple[Value, Value]]) -> Value:
    starts, ends = (joined(*(part[i].cast("int64").shaped(1) for part in parts)) for i in (0, 1))
    return photo.apply("Slice", starts, ends, starts.constant([1, 2]))


def _box_sums(photo: Value, factors: list[Value], counts: list[Value]) -> Value:
    """Sum over boxes of (batch, height, width, 3), padded with zeros: (batch, boxes high, boxes wide, 3), doubles."""
    by, n = ([value.cast("int64").shaped(1) for value in values] for values in (factors, counts))
    size = sizes(photo.graph, photo.name)
    batch, zero, three = size[0].shaped(1), size.constant([0]), size.constant([3])
    missing = [(n[i] * by[i] - size[i + 1]) for i in (0, 1)]
    filled = photo.cast("float32").apply("Pad", joined(*[zero] * 5, *missing, zero))
    boxes = filled.apply("Reshape", joined(batch, n[0], by[0], n[1], by[1], three))
    return boxes.apply("ReduceSum", size.constant([2, 4]), keepdims=0).cast("float64")


def _resized(photo: Value, rows: _Side, columns: _Side) -> Value:
    """Resize (batch, 3, height, width) along one side and then the other, rounding to 8 bits after each."""
    across, down = _weights(columns), _weights(rows).apply("Transpose", perm=[1, 0])

    def rows_first() -> str:
        return _eight_bits(down.apply("MatMul", _eight_bits(photo.apply("MatMul", across)))).name

    def columns_first() -> str:
        return _eight_bits(_eight_bits(down.apply("MatMul", photo)).apply("MatMul", across)).name

    if not _takes_tall_photos_columns_first():
        return Value(photo.graph, rows_first())
    excess = [side.length - side.target for side in (rows, columns)]
    is_tall = (excess[0] > 0) & (excess[0] > excess[1] * 2)
    return Value(photo.graph, photo.graph.choose(is_tall.name, columns_first, rows_first, photo.dtype))


def _takes_tall_photos_columns_first() -> bool:
    """Whether this Pillow resizes along columns first if a photo loses far more rows than columns."""
    import PIL

    return int(PIL.__version__.split(".")[0]) >= 13


def _weights(side: _Side) -> Value:
    """Weight of each pixel of the photo (first axis) for each pixel of the result, times 2^22, rounded."""
    start, end = side.start.cast("float32"), side.end.cast("float32")  # Pillow takes the box in single precision
    scale = (end - start).cast("float64") / side.target
    wide = scale.at_least(1)
    centre = start.cast("float64") + (side.target.count_up() + 0.5) * scale
    first = (centre - wide * _SUPPORT + 0.5).floor().at_least(0)
    last = (centre + wide * _SUPPORT + 0.5).floor().at_most(side.length)
    x = side.length.count_up().shaped(-1, 1)
    weight = _cubic((x - centre + 0.5) * (1.0 / wide))
    weight = weight.where((first <= x) & (x < last), 0)
    weight = (
        weight / weight.apply("ReduceSum", Value(x.graph, x.graph.constant(np.array([0]))), keepdims=1) * _WEIGHT_SCALE
    )
    return weight.apply("Sign") * (weight.apply("Abs") + 0.5).floor()


def _cubic(x: Value) -> Value:
    """Keys' cubic convolution with a = -0.5."""
    x = x.apply("Abs")
    near = (x * 1.5 - 2.5) * x * x + 1
    far = (((x - 5) * x + 8) * x - 4) * -0.5
    return near.where(x < 1, far.where(x < 2, 0))


def _eight_bits(total: Value) -> Value:
    """Round sums of weighted pixels to whole numbers from 0 to 255."""
    return ((total + _WEIGHT_SCALE / 2) / _WEIGHT_SCALE).floor().at_least(0).at_most(255)


def _on_grey(preprocessor: ImagePreprocessor, pixels: Value, rows: _Side, columns: _Side) -> Value:
    """Center the result on a gray background."""
    zero, before, after = pixels.typed("int64").constant([0]), [], []
    for side, goal in ((rows, preprocessor.height_px), (columns, preprocessor.width_px)):
        target = side.target.cast("int64").shaped(1)
        before.append((goal - target) // 2)
        after.append(goal - target - before[-1])
    return pixels.apply("Pad", joined(zero, *before, zero, zero, *after, zero), pixels.constant(_GREY))
