"""Words that a user gives as a list, or in one text with commas between them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


def listed_words(given: str | Iterable[str]) -> tuple[str, ...]:
    """Take the words apart; blank ones are left out.

    >>> listed_words("lora, probe,"), listed_words(["lora", " "]), listed_words("")
    (('lora', 'probe'), ('lora',), ())
    """
    words = given.split(",") if isinstance(given, str) else given
    return tuple(word.strip() for word in words if word.strip())
