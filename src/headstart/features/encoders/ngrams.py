"""NgramEncoder: words and runs of words, weighted by rarity.

Salton and Buckley, Term-weighting approaches in automatic text retrieval, 1988.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from headstart.core.blocks import Block
from headstart.sources.preprocessors.ngrams import NgramVectorizer, terms

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from headstart.core.dataset import FloatArray

_BATCH_ROWS = 64
_MANY_TEXTS = 200  # above it a term must occur in two texts


@dataclass(frozen=True, kw_only=True)
class NgramEncoder:
    """Unit-length, sublinear TF-IDF.

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

    def fit(self, values: Sequence[Any]) -> FittedNgrams:
        """Choose the vocabulary, and count how many texts hold each term."""
        texts = [str(text) for text in values]
        frequencies = Counter(term for text in texts for term in set(terms(text, self.max_words)))
        vocabulary = _choose(frequencies, len(texts), self.max_terms)
        counts = np.array([frequencies[term] for term in vocabulary], np.float64)
        # smoothed as if one more text held every term, so that no rarity is infinite
        rarity = (np.log((1 + len(texts)) / (1 + counts)) + 1).astype(np.float32)
        return FittedNgrams(input=NgramVectorizer(vocabulary=vocabulary, max_words=self.max_words), rarity=rarity)


@dataclass(frozen=True, kw_only=True)
class FittedNgrams:
    """Term counts to weights; `rarity` are inverse document frequencies, shape (n_terms,)."""

    input: NgramVectorizer
    rarity: FloatArray

    @property
    def block(self) -> Block:
        """A column a term; one of zeros where there are none."""
        return Block(name=NgramEncoder.name, stop=max(1, len(self.rarity)), is_pretrained=False)

    def encode(self, values: Sequence[Any]) -> Any:
        """Give all texts as one sparse matrix, shape (n, n_terms)."""
        from scipy import sparse

        ids: list[Any] = []
        weights: list[Any] = []
        for start in range(0, len(values), _BATCH_ROWS):
            batch = self.input.transform(values[start : start + _BATCH_ROWS])
            found = weigh(batch["ids"], batch["counts"], padded(self.rarity))
            ids += [row[there].astype(np.int32) for row, there in zip(batch["ids"], found > 0, strict=True)]
            weights += [row[row > 0].astype(np.float32) for row in found]
        ends = np.cumsum([0, *map(len, ids)])
        shape = (len(values), self.block.stop)
        return sparse.csr_matrix((np.concatenate(weights), np.concatenate(ids), ends), shape=shape)


def weigh(ids: Any, counts: Any, rarity: FloatArray) -> FloatArray:
    """Sublinear TF-IDF of padded counts, rows of unit length, shape (n, length)."""
    x = np.where(counts > 0, 1 + np.log(np.maximum(counts, 1)), 0) * rarity[ids].astype(np.float64)
    return np.asarray(x / np.sqrt(np.maximum((x**2).sum(axis=1, keepdims=True), 1e-12)))


def padded(array: FloatArray) -> FloatArray:
    """One row of zeros where the vocabulary is empty, so that padding still points somewhere."""
    return array if len(array) else np.zeros((1, *array.shape[1:]), np.float32)


def _choose(frequencies: Mapping[str, int], n_texts: int, max_terms: int) -> tuple[str, ...]:
    least = 2 if n_texts > _MANY_TEXTS else 1
    known = [term for term, count in frequencies.items() if count >= least]
    return tuple(sorted(sorted(known, key=lambda term: (-frequencies[term], term))[:max_terms]))
