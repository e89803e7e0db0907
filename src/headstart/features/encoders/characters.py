"""CharacterEncoder: runs of characters within words, weighted by rarity; they know stems, endings and misspellings.

McNamee and Mayfield, Character n-gram tokenization for European language text retrieval, Information Retrieval 2004.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from headstart.features.encoders.terms import FittedTerms, fit_terms
from headstart.sources.preprocessors.characters import CharacterVectorizer

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, kw_only=True)
class CharacterEncoder:
    """Unit-length, sublinear TF-IDF of runs of characters.

    Attributes
    ----------
    min_characters, max_characters : length of the shortest and the longest run
    max_terms : size of the vocabulary, the runs that most texts hold

    >>> fitted = CharacterEncoder(max_characters=2).fit(["ab"])
    >>> fitted.input.vocabulary, fitted.encode(["a", "xb"]).toarray().round(2).tolist()
    ((' a', 'ab', 'b '), [[1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])
    """

    name: ClassVar[str] = "characters"
    modality: ClassVar[str] = CharacterVectorizer.modality
    min_characters: int = 2
    max_characters: int = 5
    max_terms: int = 50_000

    def fit(self, values: Sequence[Any]) -> FittedTerms:
        """Choose the vocabulary, and count how many texts hold each run."""
        return fit_terms(self.name, values, self.counter, self.max_terms)

    def counter(self, vocabulary: tuple[str, ...]) -> CharacterVectorizer:
        """Make the preprocessor of a vocabulary."""
        return CharacterVectorizer(
            vocabulary=vocabulary, min_characters=self.min_characters, max_characters=self.max_characters
        )
