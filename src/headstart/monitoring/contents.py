"""Contents of records as numbers, by which one that comes twice is known."""

from __future__ import annotations

import secrets
import zlib
from typing import TYPE_CHECKING, Any

import numpy as np

from headstart.data.packed_sequence import PackedSequence

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_BITS = 62


def contents_of(cells: Mapping[str, Any], items: Sequence[Any] | None, keys: Sequence[str], n: int) -> list[int]:
    """Give a number for each of n records: equal ones for equal contents.

    Parameters
    ----------
    cells : of a table, by column; none where the records are no rows
    items : what the model read; None where only answers are known, which say nothing of contents: then keys that are equal are copies
    keys : as many as records; '' where there is none, which equals no other
    """
    if cells:
        return [
            _number("\0".join(map(str, row)).encode("utf-8", "replace")) for row in zip(*cells.values(), strict=True)
        ]
    if items is not None and not isinstance(items, PackedSequence):
        return [_of_item(one) for one in items]
    return [_number(key.encode()) if key else _of_none() for key in (keys or [""] * n)]


def _of_item(item: Any) -> int:
    if isinstance(item, str):
        return _number(item.encode("utf-8", "replace"))
    if isinstance(item, bytes | bytearray | memoryview):
        return _number(item)
    return _number(item.tobytes()) if isinstance(item, np.ndarray) else _of_none()


def _number(content: bytes | bytearray | memoryview) -> int:
    return zlib.crc32(content)


def _of_none() -> int:
    """A number that no other record has, in this process or the next."""
    return -1 - secrets.randbits(_BITS)
