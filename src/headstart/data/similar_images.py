"""Similar images: the same picture compressed again, resized, mirrored, brightened or cropped, and photos of one burst.

Each image becomes 32 x 32 pixels, decoded no larger than that takes. A view, the whole or a window of it, is what differs
from its surroundings (a band of spatial frequencies, so that light and shade alone match nothing), scaled to length one; the
similarity of two images is the cosine of one's whole with the best window of the other or of its mirror image. Coarse views
propose pairs, windows fitted to the proposed pairs decide.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from headstart.core.errors import DataError
from headstart.data.image import open_image
from headstart.data.nearest_distances import border_distance
from headstart.data.similar_pairs import SimilarPairs
from headstart.engines.threads import n_threads

if TYPE_CHECKING:
    from collections.abc import Sequence

    from headstart.core.arrays import BoolArray, FloatArray, IntArray

_SIDE = 32  # pixels of the image that is kept
_VIEW, _COARSE = 16, 8  # pixels of a view, and of one that proposes
_BLUR = 1 / 8  # of the side of a view: the scale of what counts as surroundings
_SMALLEST = 44  # half pixels of the side of a window: a crop keeps at least 70 % of a side
_PROPOSED_SIDES = (58, 52)
_DIMENSIONS = 96  # of a coarse view, after a random projection
_PROPOSED_SIMILARITY = 0.5  # of coarse views
_MOST_PROPOSED = 6  # for an image
_SIMILARITY = 0.8  # of the fitted window, from which on two images are the same
_FEWEST_ITEMS = 20  # to tell what is usual
_FLAT = 0.6  # grey levels: below, an image has no structure
_COLOR_STEP = 8  # grey levels between flat images of different colors
_CHUNK_CELLS, _CHUNK_PAIRS = 2**21, 256
_STEPS = ((4, 0.45), (2, 0.55), (2, 0.65), (1, 0.7), (1, 0.75))  # half pixels, and the cosine from which they are tried
_MOVES = np.array([[0, 0, 1, 1], [0, 0, -1, -1], *np.eye(4, dtype=int), *-np.eye(4, dtype=int)])


class _Proposals(NamedTuple):
    """Pairs: the window of `left`, (m, 4), that is like the whole of `right`, or like its mirror image."""

    left: IntArray
    right: IntArray
    window: IntArray
    is_mirrored: BoolArray


def similar_images(items: Sequence[Any]) -> SimilarPairs:
    """Find the pairs of near-identical images; an unreadable one is in none.

    Where all images are alike (digits, X-rays), only those count that are more so than the nearest of others usually are.
    """
    pixels = small_pixels(items)
    places = np.flatnonzero(~np.isnan(pixels[:, 0, 0, 0]))
    strength = _views(pixels[places])[1]
    flat, structured = places[strength < _FLAT], places[strength >= _FLAT]
    colors = np.round(pixels[flat].mean(axis=(2, 3)) / _COLOR_STEP)
    equal = SimilarPairs.of_equal([color.tobytes() for color in colors])
    if len(structured) < 2:
        return equal.at(flat)
    found, nearest = _propose(pixels[structured])
    similarity = _fit_windows(pixels[structured], found)
    pairs = SimilarPairs(found.left, found.right, similarity).at(structured)
    least = max(_SIMILARITY, 1.0 - _usual_distance(nearest))
    return equal.at(flat).join(pairs.above(least))


def _usual_distance(nearest: FloatArray) -> float:
    """How far the nearest image usually is, but for the extreme lower tail; data that are no copies have few beyond it."""
    if len(nearest) < _FEWEST_ITEMS:
        return 1.0
    return border_distance(1.0 - nearest)


def small_pixels(items: Sequence[Any]) -> FloatArray:
    """Shape (n, 3, 32, 32), float32, from 0 to 255; NaN for what cannot be read."""
    import PIL.Image

    def read(item: Any) -> FloatArray | None:
        try:
            photo = open_image(item, min_px=2 * _SIDE)
        except DataError:
            return None
        small = photo.resize((_SIDE, _SIDE), PIL.Image.Resampling.BOX, reducing_gap=3.0)
        return np.moveaxis(np.asarray(small, dtype=np.float32), -1, 0)

    pixels = np.full((len(items), 3, _SIDE, _SIDE), np.nan, dtype=np.float32)
    with ThreadPoolExecutor(n_threads()) as pool:
        for place, found in enumerate(pool.map(read, items)):
            if found is not None:
                pixels[place] = found
    return pixels


def _propose(pixels: FloatArray) -> tuple[_Proposals, FloatArray]:
    """Pairs whose coarse views are similar, each once with its best window; and the similarity of the nearest, shape (n,)."""
    n = len(pixels)
    everything = (0, 0, 2 * _SIDE, 2 * _SIDE)
    whole = [_coarse(one, everything) for one in (pixels, pixels[..., ::-1])]
    windows = _windows()

    def compare(number: int) -> tuple[list[tuple[Any, ...]], FloatArray]:
        found: list[tuple[Any, ...]] = []
        seen, nearest = _coarse(pixels, windows[number]), np.zeros(n)
        for is_mirrored, against in enumerate(whole):
            for rows in np.array_split(np.arange(n), -(-n * n // _CHUNK_CELLS)):
                cosine = seen[rows] @ against.T
                cosine[np.arange(len(rows)), rows] = -1.0
                nearest[rows] = np.maximum(nearest[rows], cosine.max(axis=1))
                left, right = _largest(cosine)
                found.append((rows[left], right, cosine[left, right], np.full(len(left), 2 * number + is_mirrored)))
        return found, nearest

    with ThreadPoolExecutor(n_threads()) as pool:
        compared = list(pool.map(compare, range(len(windows))))
    nearest = np.max([each for _, each in compared], axis=0)
    found = [part for parts, _ in compared for part in parts]
    left, right, cosine, code = (np.concatenate(column) for column in zip(*found, strict=True))
    order = np.argsort(-cosine, kind="stable")
    pair = np.minimum(left, right)[order] * n + np.maximum(left, right)[order]
    first = order[np.sort(np.unique(pair, return_index=True)[1])]
    first = first[_rank(left[first]) < _MOST_PROPOSED]
    proposals = _Proposals(left[first], right[first], np.array(windows)[code[first] // 2], code[first] % 2 == 1)
    return proposals, nearest


def _largest(cosine: FloatArray) -> tuple[IntArray, IntArray]:
    """Cells that propose a pair; where most would, those of the nearest of each row."""
    left, right = np.nonzero(cosine >= _PROPOSED_SIMILARITY)
    if len(left) <= _MOST_PROPOSED * len(cosine) or cosine.shape[1] <= _MOST_PROPOSED:
        return left, right
    right = np.argpartition(-cosine, _MOST_PROPOSED, axis=1)[:, :_MOST_PROPOSED].ravel()
    left = np.repeat(np.arange(len(cosine)), _MOST_PROPOSED)
    keep = cosine[left, right] >= _PROPOSED_SIMILARITY
    return left[keep], right[keep]


def _rank(values: IntArray) -> IntArray:
    """How often each value came before, shape (m,)."""
    order = np.argsort(values, kind="stable")
    starts = np.searchsorted(values[order], values[order])
    rank = np.empty(len(values), dtype=np.int64)
    rank[order] = np.arange(len(values)) - starts
    return rank


def _fit_windows(pixels: FloatArray, found: _Proposals) -> FloatArray:
    """The cosine of the whole of `right` and the best window of `left`, shape (m,): one side of the window is moved at a time."""
    similarity = np.empty(len(found.left))
    for start in range(0, len(similarity), _CHUNK_PAIRS):
        part = slice(start, start + _CHUNK_PAIRS)
        mirrored = found.is_mirrored[part, None, None, None]
        other = pixels[found.right[part]]
        whole = _views(np.where(mirrored, other[..., ::-1], other))[0]
        similarity[part] = _best_cosines(pixels[found.left[part]], found.window[part], whole)
    return similarity


def _best_cosines(image: FloatArray, window: IntArray, whole: FloatArray) -> FloatArray:
    """The cosine for the best window near each given one, shape (m,); where none is promising the search ends early."""
    best, window = _cosines(image, window, whole), window.copy()
    for step, promising in _STEPS:
        alive = np.flatnonzero(best >= promising)
        for move in _MOVES * step:
            moved = _inside(window[alive] + move)
            cosine = _cosines(image[alive], moved, whole[alive])
            is_better = cosine > best[alive]
            window[alive[is_better]], best[alive[is_better]] = moved[is_better], cosine[is_better]
    return best


def _inside(window: IntArray) -> IntArray:
    """The same windows, within the image and not too small."""
    size = np.clip(window[:, 2:], _SMALLEST, 2 * _SIDE)
    return np.column_stack([np.clip(window[:, :2], 0, 2 * _SIDE - size), size])


def _cosines(image: FloatArray, window: IntArray, whole: FloatArray) -> FloatArray:
    down, across = (_sampling()[window[:, axis], window[:, axis + 2]] for axis in (0, 1))
    seen = down[:, None] @ image @ np.swapaxes(across, 1, 2)[:, None]
    return np.einsum("nd,nd->n", _unit(_band_pass(seen))[0], whole)


def _views(pixels: FloatArray) -> tuple[FloatArray, FloatArray]:
    """The whole of each image, shape (n, d), and how much structure it has, in grey levels."""
    table = _sampling()[0, 2 * _SIDE]
    return _unit(_band_pass(table @ pixels @ table.T))


def _coarse(pixels: FloatArray, window: tuple[int, int, int, int]) -> FloatArray:
    """One window of each image in fewer pixels, shape (n, dimensions)."""
    top, left, height, width = window
    half = np.kron(np.eye(_COARSE, dtype=np.float32), np.full((1, _VIEW // _COARSE), _COARSE / _VIEW, dtype=np.float32))
    seen = half @ _sampling()[top, height] @ pixels @ (half @ _sampling()[left, width]).T
    project = np.random.default_rng(0).normal(size=(3 * _COARSE**2, _DIMENSIONS)).astype(np.float32)
    return _unit(_unit(_band_pass(seen))[0] @ project)[0]


def _band_pass(seen: FloatArray) -> FloatArray:
    """What differs from its surroundings, shape (n, d), for pixels (n, 3, side, side)."""
    place = np.arange(seen.shape[-1], dtype=np.float32)
    blur = np.exp(-0.5 * np.square((place[:, None] - place) / (_BLUR * len(place))))
    blur /= blur.sum(axis=1, keepdims=True)
    sharp = (seen - blur @ seen @ blur.T).reshape(len(seen), int(np.prod(seen.shape[1:])))
    return sharp - sharp.mean(axis=1, keepdims=True)


def _unit(x: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Rows of length one, and their root mean squares."""
    length = np.linalg.norm(x, axis=1)
    return x / np.maximum(length, 1e-6)[:, None], length / np.sqrt(x.shape[1])


def _windows() -> list[tuple[int, int, int, int]]:
    """Windows that propose pairs: the whole, and nine of each smaller size; (top, left, height, width) in half pixels."""
    windows = [(0, 0, 2 * _SIDE, 2 * _SIDE)]
    for side in _PROPOSED_SIDES:
        places = (0, (2 * _SIDE - side) // 2, 2 * _SIDE - side)
        windows += [(top, left, side, side) for top in places for left in places]
    return windows


@cache
def _sampling() -> FloatArray:
    """Means over the cells of a window: [first half pixel, half pixels] is a matrix (view, side)."""
    edges = np.arange(2 * _SIDE + 1)[:, None, None] / 2
    size = np.arange(2 * _SIDE + 1)[None, :, None] / 2
    low = edges + size * np.arange(_VIEW) / _VIEW
    high = edges + size * np.arange(1, _VIEW + 1) / _VIEW
    pixel = np.arange(_SIDE)
    covered = np.clip(np.minimum(high[..., None], pixel + 1) - np.maximum(low[..., None], pixel), 0, None)
    table: FloatArray = (covered / np.maximum(covered.sum(axis=-1, keepdims=True), 1e-9)).astype(np.float32)
    return table
