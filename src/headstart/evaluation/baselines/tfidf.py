"""Tfidf: TF-IDF of words and word pairs with a linear model; what a text model must beat.

Salton and Buckley, Term-weighting approaches in automatic text retrieval, 1988. Wang and Manning, Baselines and bigrams:
simple, good sentiment and topic classification, ACL 2012 (such a baseline is strong).
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, TextIO

import numpy as np

from headstart.core.errors import require
from headstart.evaluation.baseline import Cost, FittedBaseline, InterceptHead
from headstart.evaluation.sparse_linear import fit_linear
from headstart.sources.preprocessors.ngrams import NgramVectorizer, terms

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from headstart.core.dataset import Dataset, FloatArray, IntArray
    from headstart.onnx_graph.builder import GraphBuilder
    from headstart.storage.result_cache import Arrays, ResultCache

_BATCH_ROWS = 64
_MANY_TEXTS = 200  # above this, a term must occur in at least two texts


@dataclass(frozen=True, kw_only=True)
class Tfidf:
    """Logistic regression (ridge for values) on unit-length, sublinear TF-IDF; the penalty is cross-validated.

    Attributes
    ----------
    max_words : longest run of words that is a term
    max_terms : size of the vocabulary: the terms that occur in the most texts
    """

    name: ClassVar[str] = "tfidf"
    title: ClassVar[str] = "TF-IDF with a linear model"
    preprocessor: ClassVar[str | None] = NgramVectorizer.kind
    cost: ClassVar[Cost] = "simple"
    single_threaded: ClassVar[bool] = False
    max_words: int = 2
    max_terms: int = 50_000

    def fit(
        self,
        dataset: Dataset,
        index: IntArray,
        *,
        seed: int,
        result_cache: ResultCache,
        progress: TextIO | None = None,  # noqa: ARG002  (all baselines share one signature)
    ) -> FittedBaseline:
        """Choose the vocabulary, the penalty and the weights from the texts at `index`."""
        require("sklearn", extra="train", purpose="fitting the TF-IDF baseline")
        part = dataset.take(index)
        texts = [str(text) for text in part.items]
        groups = np.arange(len(part)) if part.groups is None else part.groups
        key = ("tfidf", self.max_words, self.max_terms, part.task, seed, *texts, part.targets, groups)
        fitted = result_cache.get_or_compute(key, lambda: self._fit(part, texts, groups, seed))
        network = TfidfNetwork(
            input=NgramVectorizer.build(
                {"max_words": self.max_words}, {"vocabulary.txt": fitted["vocabulary"].tobytes()}
            ),
            rarity=fitted["rarity"],
            coef=fitted["coef"],
        )
        head = InterceptHead(intercept=fitted["intercept"], link=part.task_spec.link)
        return FittedBaseline(
            name=self.name, network=network, head=head, note=f"{len(network.rarity):,} terms, {fitted['note']!s}"
        )

    def _fit(self, part: Dataset, texts: Sequence[str], groups: IntArray, seed: int) -> Arrays:
        vocabulary, counts = self._vocabulary(texts)
        # smoothed as if one more text contained every term, so that no value is infinite
        rarity = (np.log((1 + len(texts)) / (1 + counts)) + 1).astype(np.float32)
        vectorizer = NgramVectorizer(vocabulary=vocabulary, max_words=self.max_words)
        rows = _sparse(vectorizer, rarity, texts)
        coef, intercept, note = fit_linear(rows, part.targets, part.task_spec, groups, seed)
        return {
            "vocabulary": np.frombuffer(vectorizer.files()["vocabulary.txt"], np.uint8),
            "rarity": rarity,
            "coef": coef[: len(vocabulary)].astype(np.float32),
            "intercept": np.asarray(intercept),
            "note": np.array(note),
        }

    def _vocabulary(self, texts: Sequence[str]) -> tuple[tuple[str, ...], FloatArray]:
        """The terms, and in how many texts each occurs."""
        frequencies = Counter(term for text in texts for term in set(terms(text, self.max_words)))
        vocabulary = _choose(frequencies, len(texts), self.max_terms)
        return vocabulary, np.array([frequencies[term] for term in vocabulary], np.float64)


@dataclass(frozen=True, kw_only=True)
class TfidfNetwork:
    """Term counts to scores.

    Attributes
    ----------
    rarity : shape (n_terms,), inverse document frequencies
    coef : shape (n_terms, k), float32
    """

    input: NgramVectorizer
    rarity: FloatArray
    coef: FloatArray

    def scores(self, items: Sequence[Any]) -> FloatArray:
        """Shape (n, k), a batch at a time."""
        starts = range(0, len(items), _BATCH_ROWS)
        parts = [self._scores(items[start : start + _BATCH_ROWS]) for start in starts]
        return np.concatenate(parts) if parts else np.empty((0, self.coef.shape[1]))

    def encode(self, graph: GraphBuilder) -> str:
        """Add the nodes: weight the counts, normalize the rows, and sum the coefficients."""
        ids = graph.input("ids", "int64", ["batch", "length"])
        counts = graph.input("counts", "float32", ["batch", "length"])
        one, last = graph.constant(np.float32(1)), graph.constant(np.array([1], np.int64))
        frequency = graph.op("Add", one, graph.op("Log", graph.op("Max", counts, one)))
        present = graph.op("Min", counts, one)  # padding has count 0
        rarity = graph.op("Gather", graph.constant(_padded(self.rarity)), ids)
        x = graph.op("Mul", graph.op("Mul", present, frequency), rarity)
        square = graph.op("ReduceSum", graph.op("Mul", x, x), last, keepdims=1)
        norm = graph.op("Sqrt", graph.op("Max", square, graph.constant(np.float32(1e-12))))
        weights = graph.op("Gather", graph.constant(_padded(self.coef)), ids)  # (batch, length, k)
        row = graph.op("Unsqueeze", graph.op("Div", x, norm), last)  # (batch, 1, length)
        return graph.op("Squeeze", graph.op("MatMul", row, weights), last)

    def _scores(self, items: Sequence[Any]) -> FloatArray:
        batch = self.input.transform(items)
        ids, x = batch["ids"], weigh(batch["ids"], batch["counts"], _padded(self.rarity))
        return np.asarray(np.einsum("nl,nlk->nk", x, _padded(self.coef)[ids]))


def weigh(ids: Any, counts: Any, rarity: FloatArray) -> FloatArray:
    """Sublinear TF-IDF of padded counts, rows of unit length, shape (n, length)."""
    x = np.where(counts > 0, 1 + np.log(np.maximum(counts, 1)), 0) * rarity[ids].astype(np.float64)
    return np.asarray(x / np.sqrt(np.maximum((x**2).sum(axis=1, keepdims=True), 1e-12)))


def _padded(array: FloatArray) -> FloatArray:
    """One row of zeros if the vocabulary is empty, so that padding indexes a row."""
    return array if len(array) else np.zeros((1, *array.shape[1:]), np.float32)


def _choose(frequencies: Mapping[str, int], n_texts: int, max_terms: int) -> tuple[str, ...]:
    min_count = 2 if n_texts > _MANY_TEXTS else 1
    known = [term for term, count in frequencies.items() if count >= min_count]
    return tuple(sorted(sorted(known, key=lambda term: (-frequencies[term], term))[:max_terms]))


def _sparse(vectorizer: NgramVectorizer, rarity: FloatArray, texts: Sequence[str]) -> Any:
    """All texts as one sparse matrix, shape (n, n_terms), with a column of zeros if there are no terms."""
    from scipy import sparse

    ids: list[Any] = []
    values: list[Any] = []
    for start in range(0, len(texts), _BATCH_ROWS):
        batch = vectorizer.transform(texts[start : start + _BATCH_ROWS])
        weights = weigh(batch["ids"], batch["counts"], _padded(rarity))
        ids += [row[there].astype(np.int32) for row, there in zip(batch["ids"], weights > 0, strict=True)]
        values += [row[row > 0].astype(np.float32) for row in weights]
    ends = np.cumsum([0, *map(len, ids)])
    return sparse.csr_matrix(
        (np.concatenate(values), np.concatenate(ids), ends), shape=(len(texts), max(1, len(rarity)))
    )
