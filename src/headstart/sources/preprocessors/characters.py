"""CharacterVectorizer: turn texts into counts of the character n-grams of a vocabulary, within words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from headstart.core.errors import SourceError
from headstart.sources.preprocessors.term_counter import TermCounter, read_count, read_vocabulary

if TYPE_CHECKING:
    from collections.abc import Mapping

_LEAST, _MOST = 2, 10  # characters in one term; a single blank is none


@dataclass(frozen=True, kw_only=True)
class CharacterVectorizer(TermCounter):
    """Counts of runs of lower-case characters inside a word, with a blank before and after each word.

    Attributes
    ----------
    min_characters, max_characters : length of the shortest and the longest term

    >>> vectorizer = CharacterVectorizer(vocabulary=(" a", "at", "xx"), max_characters=3)
    >>> vectorizer.terms_of("at")
    [' a', 'at', 't ', ' at', 'at ']
    >>> vectorizer.transform(["At  at?", ""])["counts"].tolist()
    [[2.0, 2.0], [0.0, 0.0]]
    """

    kind: ClassVar[str] = "characters"
    min_characters: int = 2
    max_characters: int = 5

    @classmethod
    def build(cls, settings: Mapping[str, Any], files: Mapping[str, bytes]) -> CharacterVectorizer:
        """Rebuild it from its settings and its `vocabulary.txt`, one term per line.

        Raises
        ------
        SourceError
            The vocabulary or a setting is missing or damaged.
        """
        least, most = (
            read_count(settings, name, least=_LEAST, most=_MOST) for name in ("min_characters", "max_characters")
        )
        if least > most:
            raise SourceError(
                f"max_characters must be at least min_characters, got {most} and {least}. Save the model again."
            )
        return cls(vocabulary=read_vocabulary(files), min_characters=least, max_characters=most)

    def pieces(self, text: str) -> list[str]:
        """Words, as blanks separate them."""
        return text.lower().split()

    def terms_of(self, piece: str) -> list[str]:
        """Runs of each length, the shortest first."""
        word = f" {piece} "
        lengths = range(self.min_characters, min(self.max_characters, len(word)) + 1)
        return [word[start : start + length] for length in lengths for start in range(len(word) - length + 1)]

    def settings(self) -> dict[str, Any]:
        """The shortest and the longest run."""
        return {"min_characters": self.min_characters, "max_characters": self.max_characters}
