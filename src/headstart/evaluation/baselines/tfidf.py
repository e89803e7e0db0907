"""Tfidf: TF-IDF of words and word pairs with a linear model; what a text model must beat.

Wang and Manning, Baselines and bigrams: simple, good sentiment and topic classification, ACL 2012 (such a baseline
is strong).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from headstart.core.blocks import side_by_side
from headstart.core.errors import require
from headstart.evaluation.baseline import Cost, FittedBaseline, InterceptHead
from headstart.evaluation.field_networks import FieldNetworks
from headstart.evaluation.sparse_linear import fit_linear
from headstart.features.encoders.ngrams import NgramEncoder, padded, weigh
from headstart.sources.preprocessors.ngrams import NgramVectorizer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from headstart.core.dataset import Dataset, FloatArray, IntArray
    from headstart.engines.context import RunContext
    from headstart.onnx_graph.builder import GraphBuilder
    from headstart.storage.result_cache import Arrays

_BATCH_ROWS = 64


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
    joins_fields: ClassVar[bool] = True
    single_threaded: ClassVar[bool] = False
    max_words: int = 2
    max_terms: int = 50_000

    def fit(
        self,
        dataset: Dataset,
        index: IntArray,
        *,
        context: RunContext,
    ) -> FittedBaseline:
        """Choose the vocabulary, the penalty and the weights from the texts at `index`."""
        require("sklearn", extra="train", purpose="fitting the TF-IDF baseline")
        part = dataset.take(index)
        fields = [field.name for field in part.fields if field.modality == NgramEncoder.modality]
        columns = [[str(text) for text in part.values_of(name)] for name in fields]
        groups = np.arange(len(part)) if part.groups is None else part.groups
        texts = [text for column in columns for text in column]
        key = ("tfidf 2", self.max_words, self.max_terms, part.task, context.seed, *texts, part.targets, groups)
        fitted = context.cache.get_or_compute(key, lambda: self._fit(part, columns, groups, context.seed))
        networks = tuple(self._network(fitted, end) for end in _ends(columns))
        n_terms = sum(len(network.rarity) for network in networks)
        return FittedBaseline(
            name=self.name,
            network=networks[0] if len(part.fields) == 1 else FieldNetworks(networks=networks, fields=tuple(fields)),
            head=InterceptHead(intercept=fitted["intercept"], link=part.task_spec.link),
            note=f"{n_terms:,} terms, {fitted['note']!s}",
        )

    def _fit(self, part: Dataset, columns: Sequence[Sequence[str]], groups: IntArray, seed: int) -> Arrays:
        encoder = NgramEncoder(max_words=self.max_words, max_terms=self.max_terms)
        encoders = [encoder.fit(texts) for texts in columns]
        rows = [fitted.encode(texts) for fitted, texts in zip(encoders, columns, strict=True)]
        coef, intercept, note = fit_linear(_beside(rows), part.targets, part.task_spec, groups, seed)
        arrays = {"intercept": np.asarray(intercept), "note": np.array(note)}
        blocks = side_by_side(fitted.block for fitted in encoders)
        for end, fitted, block in zip(_ends(columns), encoders, blocks, strict=True):
            arrays |= {
                f"vocabulary{end}": np.frombuffer(fitted.input.files()["vocabulary.txt"], np.uint8),
                f"rarity{end}": fitted.rarity,
                f"coef{end}": coef[block.columns][: len(fitted.rarity)].astype(np.float32),
            }
        return arrays

    def _network(self, fitted: Arrays, end: str) -> TfidfNetwork:
        files = {"vocabulary.txt": fitted[f"vocabulary{end}"].tobytes()}
        return TfidfNetwork(
            input=NgramVectorizer.build({"max_words": self.max_words}, files),
            rarity=fitted[f"rarity{end}"],
            coef=fitted[f"coef{end}"],
        )


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
        rarity = graph.op("Gather", graph.constant(padded(self.rarity)), ids)
        x = graph.op("Mul", graph.op("Mul", present, frequency), rarity)
        square = graph.op("ReduceSum", graph.op("Mul", x, x), last, keepdims=1)
        norm = graph.op("Sqrt", graph.op("Max", square, graph.constant(np.float32(1e-12))))
        weights = graph.op("Gather", graph.constant(padded(self.coef)), ids)  # (batch, length, k)
        row = graph.op("Unsqueeze", graph.op("Div", x, norm), last)  # (batch, 1, length)
        return graph.op("Squeeze", graph.op("MatMul", row, weights), last)

    def _scores(self, items: Sequence[Any]) -> FloatArray:
        batch = self.input.transform(items)
        ids, x = batch["ids"], weigh(batch["ids"], batch["counts"], padded(self.rarity))
        return np.asarray(np.einsum("nl,nlk->nk", x, padded(self.coef)[ids]))


def _ends(columns: Sequence[Any]) -> list[str]:
    """What stands behind the names of each column's arrays; nothing where there is one column."""
    return [""] if len(columns) == 1 else [f".{i}" for i in range(len(columns))]


def _beside(rows: Sequence[Any]) -> Any:
    """Sparse matrices side by side."""
    from scipy import sparse

    return rows[0] if len(rows) == 1 else sparse.hstack(rows, format="csr")
