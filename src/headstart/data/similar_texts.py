"""Similar texts, by the character shingles that they share: retyped, with other numbers or names, with typos, cut short.

MinHash signatures propose pairs, so that the cost grows with the number of texts and not with its square; the shingles of
the proposed pairs are compared exactly.

References
----------
Broder, On the resemblance and containment of documents, SEQUENCES 1997.
"""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING

import numpy as np

from headstart.data.similar_pairs import SimilarPairs

if TYPE_CHECKING:
    from collections.abc import Sequence

    from scipy.sparse import csr_array

    from headstart.core.arrays import IntArray

SHINGLE = 4  # characters
MOST_CHARACTERS = 4000  # of a text, after normalization
_JACCARD = 0.6
_CONTAINMENT, _CONTAINMENT_JACCARD, _CONTAINMENT_SHINGLES = 0.9, 0.4, 40  # of a text that is the beginning of another
_BANDS, _ROWS = 30, 4  # 98 % of the pairs at the threshold, 1 % of those with an index of 0.15
_PROMISING = 0.35  # of the index as signatures estimate it, to about 0.045
_FEWEST_LETTERS = 12  # with fewer, numbers are what a text says
_MIXER = np.uint64(0x9E3779B97F4A7C15)
_CHUNK_SHINGLES = 2**21
_CHUNK_PAIRS = 2**14
_NEIGHBOURS = 4  # in a bucket of the same signature, each text is compared with so many before it
_NOT_WORDS, _NUMBERS = re.compile(r"[\W_]+"), re.compile(r"\d+(?: \d+)*")


def similar_texts(texts: Sequence[str]) -> SimilarPairs:
    """Find the pairs of near-identical texts; their similarity is the Jaccard index of their shingles."""
    words = [normalized(text) for text in texts]
    equal = SimilarPairs.of_equal(words)
    firsts = np.setdiff1d(np.arange(len(words)), equal.right)
    shingles = [_shingles(words[i]) for i in firsts]
    found = _compare(shingles, *_candidates(shingles))
    return equal.join(SimilarPairs(firsts[found.left], firsts[found.right], found.similarity))


def normalized(text: str) -> str:
    """Small letters without accents and punctuation, blanks made single, each number 0; a text without letters as it is.

    >>> normalized("Your order no. 12,345 is LATE!"), normalized(":-)")
    ('your order no 0 is late', ':-)')
    """
    raw = text[: 4 * MOST_CHARACTERS]
    plain = unicodedata.normalize("NFKD", raw.casefold())
    plain = _NOT_WORDS.sub(
        " ", "".join(c for c in plain if not unicodedata.combining(c)) if not plain.isascii() else plain
    ).strip()
    if not plain:
        return raw.strip()
    if sum(map(str.isalpha, plain[:200])) >= _FEWEST_LETTERS:
        plain = _NUMBERS.sub("0", plain)
    return plain[:MOST_CHARACTERS]


def _shingles(text: str) -> IntArray:
    """Hashes of the distinct shingles of a text, sorted, uint32."""
    codes = np.frombuffer(f" {text} ".encode("utf-32-le", "surrogatepass"), dtype=np.uint32).astype(np.uint64)
    n = max(1, len(codes) - SHINGLE + 1)
    mixed = np.zeros(n, dtype=np.uint64)
    for start in range(min(SHINGLE, len(codes))):
        mixed = (mixed + codes[start : start + n]) * _MIXER
        mixed ^= mixed >> np.uint64(29)
    return np.unique((mixed >> np.uint64(16)).astype(np.uint32))


def _candidates(shingles: Sequence[IntArray]) -> tuple[IntArray, IntArray]:
    """Pairs that may be similar: their signatures agree in a band, and in enough places altogether."""
    n = len(shingles)
    if n < 2:
        return np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64)
    signatures = _signatures(shingles)
    codes = np.empty(0, dtype=np.int64)
    for first in range(0, _BANDS * _ROWS, _ROWS):
        codes = np.union1d(codes, _in_one_bucket(signatures[:, first : first + _ROWS]))
    left, right = codes // n, codes % n
    agreement = np.concatenate(
        [
            (signatures[left[start : start + _CHUNK_PAIRS]] == signatures[right[start : start + _CHUNK_PAIRS]]).mean(1)
            for start in range(0, len(left), _CHUNK_PAIRS)
        ]
        or [np.empty(0)]
    )
    keep = agreement >= _PROMISING
    return left[keep], right[keep]


def _in_one_bucket(band: IntArray) -> IntArray:
    """Pairs i * n + j of texts that agree in all columns; in a large bucket each with a few before it, for chains are enough."""
    n = len(band)
    bucket = np.zeros(n, dtype=np.uint64)
    for column in band.T:
        bucket = (bucket ^ column) * _MIXER
        bucket ^= bucket >> np.uint64(31)
    order = np.argsort(bucket, kind="stable")
    found = []
    for step in range(1, min(_NEIGHBOURS, n - 1) + 1):
        same = bucket[order[step:]] == bucket[order[:-step]]
        found.append(order[:-step][same] * n + order[step:][same])
    return np.concatenate(found)


def _signatures(shingles: Sequence[IntArray]) -> IntArray:
    """MinHash signatures, shape (n, bands * rows), uint32."""
    factors = np.random.default_rng(0).integers(1, 2**32, _BANDS * _ROWS, dtype=np.uint32) | np.uint32(1)
    ends = np.cumsum([len(one) for one in shingles])
    signatures = np.empty((len(shingles), len(factors)), dtype=np.uint32)
    start = 0
    while start < len(shingles):
        before = ends[start - 1] if start else 0
        stop = max(start + 1, int(np.searchsorted(ends, before + _CHUNK_SHINGLES)))
        hashes = np.concatenate(shingles[start:stop])
        offsets = np.concatenate([[0], ends[start : stop - 1] - before])
        for place, factor in enumerate(factors):
            signatures[start:stop, place] = np.minimum.reduceat(hashes * factor, offsets)
        start = stop
    return signatures


def _compare(shingles: Sequence[IntArray], left: IntArray, right: IntArray) -> SimilarPairs:
    """Keep the pairs that share enough shingles."""
    lengths = np.array([len(one) for one in shingles])
    keep = lengths[left] <= lengths[right] / _CONTAINMENT_JACCARD
    keep &= lengths[right] <= lengths[left] / _CONTAINMENT_JACCARD
    left, right = left[keep], right[keep]
    shared = np.zeros(len(left))
    matrix = _matrix(shingles)
    for start in range(0, len(left), _CHUNK_PAIRS):
        part = slice(start, start + _CHUNK_PAIRS)
        shared[part] = matrix[left[part]].multiply(matrix[right[part]]).sum(axis=1)
    jaccard = shared / np.maximum(lengths[left] + lengths[right] - shared, 1)
    shorter = np.minimum(lengths[left], lengths[right])
    is_cut = (shorter >= _CONTAINMENT_SHINGLES) & (shared >= _CONTAINMENT * shorter) & (jaccard >= _CONTAINMENT_JACCARD)
    return SimilarPairs(left, right, np.where(is_cut, np.maximum(jaccard, _JACCARD), jaccard)).above(_JACCARD)


def _matrix(shingles: Sequence[IntArray]) -> csr_array:
    from scipy.sparse import csr_array

    lengths = [len(one) for one in shingles]
    values, columns = np.unique(
        np.concatenate(shingles) if shingles else np.empty(0, dtype=np.uint32), return_inverse=True
    )
    return csr_array(
        (np.ones(len(columns), dtype=np.float32), columns, np.concatenate([[0], np.cumsum(lengths)])),
        shape=(len(shingles), max(1, len(values))),
    )
