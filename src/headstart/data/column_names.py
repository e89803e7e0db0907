"""How well the name of a column fits names that are known."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


def rank(column: str, known: Sequence[str]) -> int:
    """Place of a column's name in a list of known names: exactly, or as a word of it; the length if not there.

    >>> rank("customerMessage", ("text", "message")), rank("id", ("text", "message"))
    (1, 2)
    """
    words = re.split(r"[^a-z0-9]+", re.sub(r"(?<=[a-z])(?=[A-Z])", "_", column).lower())
    plain = "_".join(word for word in words if word)
    if plain in known:
        return known.index(plain)
    return min((known.index(word) for word in words if word in known and len(word) > 1), default=len(known))
