"""TF-IDF of the terms that a preprocessor counts, in bulk as a sparse matrix and in a graph.

Salton and Buckley, Term-weighting approaches in automatic text retrieval, 1988.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Any

import numpy as np

from headstart.core.blocks import Block

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from headstart.core.dataset import FloatArray
    from headstart.onnx_graph.builder import GraphBuilder
    from headstart.sources.preprocessors.term_counter import TermCounter

_CHUNK_TEXTS = 1024
_MANY_TEXTS = 200  # above it a term must occur in two texts


def fit_terms(
    name: str, values: Sequence[Any], make_counter: Callable[[tuple[str, ...]], TermCounter], max_terms: int
) -> FittedTerms:
    """Choose the vocabulary, the terms that most texts hold, and weigh each by how few texts hold it.

    Parameters
    ----------
    name : of the encoder
    make_counter : makes the preprocessor of a vocabulary
    max_terms : size of the vocabulary
    """
    numbers: dict[str, int] = {}
    counts = list(_count_chunks(make_counter(()), values, lambda term: numbers.setdefault(term, len(numbers))))
    frequencies = np.zeros(len(numbers), np.int64)  # texts that hold each term
    for chunk in counts:
        frequencies[: chunk.shape[1]] += np.bincount(chunk.indices, minlength=chunk.shape[1])
    terms = np.array([*numbers, ""], dtype=object)[:-1]
    kept = np.flatnonzero(frequencies >= (2 if len(values) > _MANY_TEXTS else 1))
    kept = kept[np.lexsort((terms[kept], -frequencies[kept]))][:max_terms]
    kept = kept[np.argsort(terms[kept])]
    # smoothed as if one more text held every term, so that no weight is infinite
    rarity = (np.log((1 + len(values)) / (1 + frequencies[kept])) + 1).astype(np.float32)
    return FittedTerms(name=name, input=make_counter(tuple(terms[kept])), rarity=rarity)


@dataclass(frozen=True, kw_only=True)
class FittedTerms:
    """Unit-length, sublinear TF-IDF.

    Attributes
    ----------
    name : of the encoder
    rarity : inverse document frequencies, shape (n_terms,)
    """

    name: str
    input: TermCounter
    rarity: FloatArray

    @property
    def block(self) -> Block:
        """A column a term; one of zeros where there are none."""
        return Block(name=self.name, stop=max(1, len(self.rarity)), is_pretrained=False)

    def encode(self, values: Sequence[Any]) -> Any:
        """Give all texts as one sparse matrix, shape (n, n_terms), float32."""
        from scipy import sparse

        shape = (len(values), self.block.stop)
        parts = list(_count_chunks(self.input, values, self.input.numbers.get))
        if not parts:
            return sparse.csr_matrix(shape, dtype=np.float32)
        rows = sparse.vstack(
            [sparse.csr_matrix((part.data, part.indices, part.indptr), (part.shape[0], shape[1])) for part in parts]
        )
        rows.data = ((1 + np.log(rows.data)) * self.rarity[rows.indices]).astype(np.float32)
        squares = np.asarray(rows.multiply(rows).sum(axis=1), np.float64).ravel()
        rows.data /= np.repeat(np.sqrt(np.maximum(squares, 1e-12)), np.diff(rows.indptr)).astype(np.float32)
        return rows.tocsr()

    def scoring(self, coef: FloatArray) -> TermNetwork:
        """Make the network of coefficients, shape (n_terms, k)."""
        return TermNetwork(encoder=self, coef=np.asarray(coef, np.float32))


@dataclass(frozen=True, kw_only=True)
class TermNetwork:
    """Term counts to scores; only the coefficients of terms that occur are read.

    Attributes
    ----------
    coef : shape (n_terms, k), float32
    """

    encoder: FittedTerms
    coef: FloatArray

    @property
    def input(self) -> TermCounter:
        """The preprocessor of the encoder."""
        return self.encoder.input

    def scores(self, items: Sequence[Any]) -> FloatArray:
        """Shape (n, k)."""
        return np.asarray(self.encoder.encode(items) @ self.coef)

    def encode(self, graph: GraphBuilder) -> str:
        """Add the nodes: weight the counts, normalize the rows, and sum the coefficients."""
        ids = graph.input("ids", "int64", ["batch", "length"])
        counts = graph.input("counts", "float32", ["batch", "length"])
        one, last = graph.constant(np.float32(1)), graph.constant(np.array([1], np.int64))
        frequency = graph.op("Add", one, graph.op("Log", graph.op("Max", counts, one)))
        present = graph.op("Min", counts, one)  # padding has count 0
        rarity = graph.op("Gather", graph.constant(_padded(self.encoder.rarity)), ids)
        x = graph.op("Mul", graph.op("Mul", present, frequency), rarity)
        square = graph.op("ReduceSum", graph.op("Mul", x, x), last, keepdims=1)
        norm = graph.op("Sqrt", graph.op("Max", square, graph.constant(np.float32(1e-12))))
        weights = graph.op("Gather", graph.constant(self.coef), ids)  # (batch, length, k)
        row = graph.op("Unsqueeze", graph.op("Div", x, norm), last)  # (batch, 1, length)
        return graph.op("Squeeze", graph.op("MatMul", row, weights), last)


def _padded(rarity: FloatArray) -> FloatArray:
    """A zero where the vocabulary is empty, so that padding still points somewhere."""
    return rarity if len(rarity) else np.zeros(1, np.float32)


def _count_chunks(counter: TermCounter, values: Sequence[Any], number_of: Callable[[str], int | None]) -> Iterator[Any]:
    """Count terms, some texts at a time: sparse matrices (n, terms so far) of which each term has a number."""
    width = len(counter.vocabulary)
    for start in range(0, len(values), _CHUNK_TEXTS):
        found = [Counter(counter.pieces(str(value))) for value in values[start : start + _CHUNK_TEXTS]]
        pieces = {piece: number for number, piece in enumerate(dict.fromkeys(chain.from_iterable(found)))}
        by_piece = [[n for n in map(number_of, counter.terms_of(piece)) if n is not None] for piece in pieces]
        width = max([width, *(max(numbers) + 1 for numbers in by_piece if numbers)])
        in_texts = _sparse(
            [map(pieces.__getitem__, count) for count in found], len(pieces), [count.values() for count in found]
        )
        product = in_texts @ _sparse(by_piece, width)
        product.sort_indices()
        yield product


def _sparse(rows: Sequence[Any], width: int, data: Sequence[Any] | None = None) -> Any:
    """A sparse matrix of one list of columns a row; without `data` each counts one."""
    from scipy import sparse

    ends = np.cumsum([0, *map(len, rows if data is None else data)])
    columns = np.fromiter(chain.from_iterable(rows), np.int32, ends[-1])
    values = np.ones(len(columns)) if data is None else np.fromiter(chain.from_iterable(data), np.float64, ends[-1])
    return sparse.csr_matrix((values, columns, ends), shape=(len(rows), width))
