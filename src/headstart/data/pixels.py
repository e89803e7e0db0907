"""Arrays of any image as 8-bit RGB."""

from __future__ import annotations

from typing import Any

import numpy as np

from headstart.core.errors import DataError


def full_scale(largest: float, *, is_integer: bool) -> float:
    """The value that is white in an image of grey values deeper than 8 bits.

    >>> full_scale(40_000.0, is_integer=True), full_scale(200.0, is_integer=False)
    (65535.0, 255.0)
    """
    usual = 65535.0 if is_integer else 1.0
    if largest <= usual:
        return usual
    return 255.0 if largest <= 255 else largest


def deep_grey(values: np.ndarray[Any, Any], white: float) -> np.ndarray[Any, Any]:
    """Bring grey values deeper than 8 bits, shape (h, w), to 0..1, of which 1 is `white`."""
    scaled: np.ndarray[Any, Any] = np.clip(numbers_of(values) / white, 0, 1)
    return scaled


def numbers_of(values: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Float values, zero where there are none."""
    numbers: np.ndarray[Any, Any] = np.nan_to_num(values.astype(np.float32))
    return numbers


def as_rgb(array: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Shape (h, w, 3), uint8, from any array that can be read as one image.

    Raises
    ------
    DataError
        Its shape, type or range is that of no image.

    >>> as_rgb(np.array([[0.0, 1.0]]))[0, 1].tolist()
    [255, 255, 255]
    """
    if array.ndim == 2:
        array = array[:, :, None]
    if array.ndim != 3 or array.shape[2] not in (1, 3, 4) or 0 in array.shape:
        raise DataError(f"an image array has shape (height, width, 3); this one has {array.shape}.")
    array = _eight_bits(array)
    if array.shape[2] == 4:
        alpha = array[:, :, 3:].astype(np.uint16)
        array = ((array[:, :, :3] * alpha + 255 * (255 - alpha) + 127) // 255).astype(np.uint8)
    return np.ascontiguousarray(np.broadcast_to(array, (*array.shape[:2], 3)))


def _eight_bits(array: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    if array.dtype == np.uint8:
        return array
    if array.dtype == np.bool_:
        return array.astype(np.uint8) * 255
    if array.dtype == np.uint16:
        return np.round(array / 257).astype(np.uint8)
    if array.dtype.kind == "f" and array.min() >= 0 and array.max() <= 1:
        return np.round(array * 255).astype(np.uint8)
    if array.dtype.kind in "iuf" and array.min() >= 0 and array.max() <= 255:
        return np.round(array).astype(np.uint8)
    raise DataError(
        f"an image array holds uint8, uint16, or floats from 0 to 1; this one is {array.dtype} "
        f"from {array.min():g} to {array.max():g}."
    )
