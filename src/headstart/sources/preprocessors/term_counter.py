"""TermCounter: what the preprocessors share that count the terms of a vocabulary in a text."""

from __future__ import annotations

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


@dataclass(frozen=True, kw_only=True)
class TermCounter:
    """Counts of the terms of a vocabulary; subclasses say what the terms are.

    A text is split into `pieces`, and each piece holds `terms_of` it. Equal pieces hold equal terms, so that many texts are
    counted at once by a product of two sparse matrices.

    Attributes
    ----------
    vocabulary : terms in the order of their numbers
    """

    kind: ClassVar[str]
    modality: ClassVar[str] = "text"
    vocabulary: tuple[str, ...] = field(repr=False)

    def pieces(self, text: str) -> list[str]:
        """Split a text."""
        raise NotImplementedError

    def terms_of(self, piece: str) -> Sequence[str]:
        """List the terms of one piece, with repetitions."""
        raise NotImplementedError

    def settings(self) -> dict[str, Any]:
        """Everything but the vocabulary."""
        raise NotImplementedError

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

    def files(self) -> Mapping[str, bytes]:
        """The vocabulary, one term per line."""
        return {_FILE: "\n".join(self.vocabulary).encode("utf-8", "surrogatepass")}

    @cached_property
    def numbers(self) -> dict[str, int]:
        """The number of each term."""
        return {term: number for number, term in enumerate(self.vocabulary)}

    def _count(self, text: str) -> Counter[int]:
        known = self.numbers
        found: Counter[int] = Counter()
        for piece, count in Counter(self.pieces(text)).items():
            for term in self.terms_of(piece):
                if term in known:
                    found[known[term]] += count
        return found


def read_vocabulary(files: Mapping[str, bytes]) -> tuple[str, ...]:
    """Read a vocabulary as `TermCounter.files` writes it.

    Raises
    ------
    SourceError
        It is missing or damaged.
    """
    try:
        text = files[_FILE].decode("utf-8", "surrogatepass")
    except (KeyError, UnicodeDecodeError) as error:
        raise SourceError(f"a counter of terms lacks a valid {_FILE} ({error}). Save the model again.") from error
    return tuple(text.split("\n")) if text else ()


def read_count(settings: Mapping[str, Any], name: str, *, least: int, most: int) -> int:
    """Read a whole number from the settings.

    Raises
    ------
    SourceError
        It is missing or out of range.
    """
    value = settings.get(name)
    if type(value) is not int or not least <= value <= most:
        raise SourceError(f"{name} must be {least} to {most}, got {value!r}. Save the model again.")
    return value
