"""NgramVectorizer: turn texts into counts of the words and word pairs of a vocabulary."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from headstart.sources.preprocessors.term_counter import TermCounter, read_count, read_vocabulary

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

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
class NgramVectorizer(TermCounter):
    """Counts of the terms of a vocabulary in a text.

    Attributes
    ----------
    max_words : the longest run of words that is a term

    >>> batch = NgramVectorizer(vocabulary=("free", "free call")).transform(["Free free call", ""])
    >>> batch["ids"].tolist(), batch["counts"].tolist()
    ([[0, 1], [0, 0]], [[2.0, 1.0], [0.0, 0.0]])
    """

    kind: ClassVar[str] = "ngrams"
    max_words: int = 2

    @classmethod
    def build(cls, settings: Mapping[str, Any], files: Mapping[str, bytes]) -> NgramVectorizer:
        """Rebuild it from its settings and its `vocabulary.txt`, one term per line.

        Raises
        ------
        SourceError
            The vocabulary is missing or damaged.
        """
        max_words = read_count(settings, "max_words", least=1, most=_MAX_WORDS)
        return cls(vocabulary=read_vocabulary(files), max_words=max_words)

    def pieces(self, text: str) -> list[str]:
        """The terms themselves."""
        return terms(text, self.max_words)

    def terms_of(self, piece: str) -> Sequence[str]:
        """The piece itself."""
        return (piece,)

    def settings(self) -> dict[str, Any]:
        """The longest run of words."""
        return {"max_words": self.max_words}
