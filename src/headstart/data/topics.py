"""Topics: a text as a few numbers, by latent semantic analysis of the words of all."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import numpy as np

from headstart.data.similar_texts import normalized

if TYPE_CHECKING:
    from collections.abc import Sequence

    from scipy.sparse import csr_array

    from headstart.core.arrays import FloatArray

_DIMENSIONS, _SPARE, _N_ITERATIONS = 64, 16, 4


def topics(texts: Sequence[str]) -> FloatArray:
    """Project TF-IDF vectors of words on their largest singular vectors, shape (n, at most 64).

    References
    ----------
    Deerwester et al., Indexing by latent semantic analysis, JASIS 1990.
    Halko, Martinsson and Tropp, Finding structure with randomness, SIAM Review 2011.
    """
    from scipy.sparse import csr_array

    counts = [Counter(normalized(text).split()) for text in texts]
    frequency = Counter(word for one in counts for word in one)
    columns = {word: place for place, word in enumerate(sorted(word for word, n in frequency.items() if n > 1))}
    if not columns:
        return np.zeros((len(texts), 1))
    rows, places, weights = [], [], []
    for row, one in enumerate(counts):
        known = [(columns[word], n, frequency[word]) for word, n in one.items() if word in columns]
        weight = np.array([(1.0 + np.log(n)) * np.log((1 + len(texts)) / n_texts) for _, n, n_texts in known])
        rows += [row] * len(known)
        places += [place for place, _, _ in known]
        weights.append(weight / max(float(np.linalg.norm(weight)), 1e-9))
    matrix = csr_array((np.concatenate(weights), (rows, places)), shape=(len(texts), len(columns)))
    return _leading_directions(matrix)


def _leading_directions(matrix: csr_array) -> FloatArray:
    """The rows projected on the largest singular vectors, by subspace iteration from a fixed start."""
    n_directions = min(_DIMENSIONS + _SPARE, *matrix.shape)
    start = np.random.default_rng(0).normal(size=(matrix.shape[1], n_directions))
    basis = np.linalg.qr(matrix @ start)[0]
    for _ in range(_N_ITERATIONS):
        basis = np.linalg.qr(matrix @ (matrix.T @ basis))[0]
    inside = matrix.T @ basis  # (words, directions)
    squares, turn = np.linalg.eigh(inside.T @ inside)
    found: FloatArray = (basis @ turn * np.sqrt(np.maximum(squares, 0.0)))[:, ::-1][:, :_DIMENSIONS]
    return found
