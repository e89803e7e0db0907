"""Items are prepared on threads: small ones by themselves, so that they never wait behind large ones."""

from __future__ import annotations

import threading
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

from headstart.core.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from headstart.core.model import Batch
    from headstart.data.modalities import Modality

_SMALL_BYTES = 1 << 20
_NUMBER_BYTES = 8
_LETTER = 16  # a tokenizer takes about as long for a letter as a decoder for so many bytes
_SMALL_PIXELS = 2_000_000
_HUGE_PIXELS = 16_000_000  # decoded it takes 64 to 128 MB, so one at a time
_huge = threading.Lock()


class Preparation:
    """Makes the arrays of some items.

    Parameters
    ----------
    modality : checks their size by what their heads say, before any is decoded
    transform : makes the arrays
    max_pixels : that one photo may have
    """

    def __init__(
        self, items: Sequence[Any], modality: Modality, transform: Callable[[Sequence[Any]], Batch], max_pixels: int
    ) -> None:
        self._items = items
        self._modality = modality
        self._transform = transform
        self._max_pixels = max_pixels
        self._is_large: bool | None = None

    def is_large(self) -> bool:
        """Whether small items should not have to wait for these; so are those that have no head to be read."""
        if self._is_large is None:
            limit = min(_SMALL_PIXELS, self._max_pixels)
            self._is_large = sum(map(_cost, self._items)) > _SMALL_BYTES or self._exceeds(limit)
        return self._is_large

    def __call__(self) -> Batch:
        """Make the arrays.

        Raises
        ------
        DataError
            An item is too large, or cannot be read.
        """
        if not self.is_large():
            return self._transform(self._items)
        for item in self._items:
            self._modality.check_size(item, max_pixels=self._max_pixels)
        with _huge if self._exceeds(_HUGE_PIXELS) else nullcontext():
            return self._transform(self._items)

    def _exceeds(self, max_pixels: int) -> bool:
        try:
            for item in self._items:
                self._modality.check_size(item, max_pixels=max_pixels)
        except DataError:
            return True
        return False


def _cost(item: Any) -> int:
    """How long it takes to prepare, in bytes of a file."""
    if isinstance(item, dict):
        return sum(map(_cost, item.values()))
    return length(item) * (_LETTER if isinstance(item, str) else 1)


def length(item: Any) -> int:
    """Characters of a text, bytes of a file or a number; of a row those of all fields."""
    if isinstance(item, dict):
        return sum(map(length, item.values()))
    return len(item) if hasattr(item, "__len__") else _NUMBER_BYTES
