"""NgramEncoder: words and runs of words, weighted by rarity."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from headstart.features.encoders.terms import FittedTerms, fit_terms
from headstart.sources.preprocessors.ngrams import NgramVectorizer

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, kw_only=True)
class NgramEncoder:
    """Unit-length, sublinear TF-IDF of words.

    Attributes
    ----------
    max_words : longest run of words that is a term
    max_terms : size of the vocabulary, the terms that most texts hold

    >>> fitted = NgramEncoder(max_words=1).fit(["good kiwi", "bad kiwi"])
    >>> fitted.input.vocabulary, fitted.encode(["kiwi kiwi"]).toarray().tolist()
    (('bad', 'good', 'kiwi'), [[0.0, 0.0, 1.0]])
    """

    name: ClassVar[str] = "ngrams"
    modality: ClassVar[str] = NgramVectorizer.modality
    max_words: int = 2
    max_terms: int = 50_000

    def fit(self, values: Sequence[Any]) -> FittedTerms:
        """Choose the vocabulary, and count how many texts hold each term."""
        return fit_terms(self.name, values, self.counter, self.max_terms)

    def counter(self, vocabulary: tuple[str, ...]) -> NgramVectorizer:
        """Make the preprocessor of a vocabulary."""
        return NgramVectorizer(vocabulary=vocabulary, max_words=self.max_words)
