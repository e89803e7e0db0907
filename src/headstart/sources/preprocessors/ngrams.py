"""NgramVectorizer: turn texts into counts of the words and word pairs of a vocabulary."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from headstart.core.errors import SourceError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from headstart.core.model import Batch

_FILE = "vocabulary.txt"
_MAX_WORDS = 10  # in one term
_WORD = re.compile(r"\w+|[^\w\s]")  # signs count too: '!', '?' and '£' indicate spam and questions


def terms(text: str, max_words: int = 2) -> list[str]:
    """List the terms of a text: its lower-case words and signs, and their runs of up to `max_words`.

    >>> terms("Free call!")
    ['free', 'call', '!', 'free call', 'call !']
    """
    words = _WORD.findall(text.lower())
    runs = (zip(*(words[start:] for start in range(length)), strict=False) for length in range(2, max_words + 1))
    return words + [" ".join(run) for found in runs for run in found]


@dataclass(frozen=True, kw_only=True)
class NgramVectorizer:
    """Counts of the terms of a vocabulary in a text.

    Attributes
    ----------
    vocabulary : terms in the order of their numbers
    max_words : the longest run of words that is a term

    >>> batch = NgramVectorizer(vocabulary=("free", "free call")).transform(["Free free call", ""])
    >>> batch["ids"].tolist(), batch["counts"].tolist()
    ([[0, 1], [0, 0]], [[2.0, 1.0], [0.0, 0.0]])
    """

    kind: ClassVar[str] = "ngrams"
    modality: ClassVar[str] = "text"
    vocabulary: tuple[str, ...] = field(repr=False)
    max_words: int = 2

    @classmethod
    def build(cls, settings: Mapping[str, Any], files: Mapping[str, bytes]) -> NgramVectorizer:
        """Rebuild it from its settings and its `vocabulary.txt`, one term per line.

        Raises
        ------
        SourceError
            The vocabulary is missing or damaged.
        """
        try:
            text = files[_FILE].decode("utf-8", "surrogatepass")
            max_words = settings["max_words"]
        except (KeyError, UnicodeDecodeError) as error:
            raise SourceError(f"an n-gram vectorizer lacks a valid {_FILE} ({error}). Save the model again.") from error
        if type(max_words) is not int or not 0 < max_words <= _MAX_WORDS:
            raise SourceError(f"max_words must be 1 to {_MAX_WORDS}, got {max_words!r}. Save the model again.")
        return cls(vocabulary=tuple(text.split("\n")) if text else (), max_words=max_words)

    def transform(self, items: Sequence[Any]) -> Batch:
        """Count terms: `ids`, int64, and `counts`, float32, both (n, length), padded with counts of zero; length ≥ 1."""
        rows = [self._count(str(item)) for item in items]
        length = max([1, *map(len, rows)])
        ids = np.zeros((len(rows), length), np.int64)
        counts = np.zeros((len(rows), length), np.float32)
        for i, row in enumerate(rows):
            ids[i, : len(row)] = list(row.keys())
            counts[i, : len(row)] = list(row.values())
        return {"ids": ids, "counts": counts}

    def settings(self) -> dict[str, Any]:
        """The longest run of words."""
        return {"max_words": self.max_words}

    def files(self) -> Mapping[str, bytes]:
        """The vocabulary, one term per line."""
        return {_FILE: "\n".join(self.vocabulary).encode("utf-8", "surrogatepass")}

    def _count(self, text: str) -> Counter[int]:
        known = self._numbers
        return Counter(known[term] for term in terms(text, self.max_words) if term in known)

    @cached_property
    def _numbers(self) -> dict[str, int]:
        return {term: number for number, term in enumerate(self.vocabulary)}
