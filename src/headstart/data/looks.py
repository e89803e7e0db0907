"""Looks: an image as a few numbers, its colors and the directions of its edges."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from headstart.data.similar_images import small_pixels

if TYPE_CHECKING:
    from collections.abc import Sequence

    from headstart.core.arrays import FloatArray

_LEVELS = 4  # of each color
_DIRECTIONS = 8
_QUARTERS = 2  # rows and columns of parts, each with its own edges


def looks(items: Sequence[Any]) -> FloatArray:
    """Square roots of the histograms of colors and of edge directions, shape (n, 96); zeros for an unreadable image."""
    return np.array([_histograms(pixels) for pixels in small_pixels(items)]).reshape(len(items), -1)


def _histograms(pixels: FloatArray) -> FloatArray:
    if np.isnan(pixels).any():
        return np.zeros(_LEVELS**3 + _QUARTERS**2 * _DIRECTIONS)
    red, green, blue = np.minimum(pixels * _LEVELS // 256, _LEVELS - 1).astype(np.int64)
    colors = np.bincount(((red * _LEVELS + green) * _LEVELS + blue).ravel(), minlength=_LEVELS**3)
    down, across = np.gradient(pixels.mean(axis=0).astype(np.float64))
    direction = np.minimum(np.arctan2(down, across) % np.pi / np.pi * _DIRECTIONS, _DIRECTIONS - 1).astype(np.int64)
    side = np.arange(len(down)) * _QUARTERS // len(down)
    part = side[:, None] * _QUARTERS + side
    edges = np.bincount(
        (part * _DIRECTIONS + direction).ravel(), np.hypot(down, across).ravel(), _QUARTERS**2 * _DIRECTIONS
    )
    return np.sqrt(np.concatenate([colors / colors.sum(), edges / max(float(edges.sum()), 1e-6)]))
