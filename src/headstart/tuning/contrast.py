"""Parts of contrastive tuning: batches balanced over classes, and a loss over the pairs within a batch.

A batch of b items contains about b²/2 pairs, and each item is run once for all of its pairs. So time and memory grow with the
number of steps only, while sampling pairs beforehand (Tunstall et al., arXiv:2209.11055) grows with n².
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch.nn.functional import normalize

if TYPE_CHECKING:
    from torch import Tensor

    from headstart.core.dataset import IntArray


def balanced_batch(labels: IntArray, size: int, rng: np.random.Generator) -> IntArray:
    """Draw distinct items, equally many of each class as far as there are enough.

    Parameters
    ----------
    labels : shape (n,), the class of each item
    size : maximum number of items; if two of each class would exceed it, some classes are drawn, with two items each

    Returns
    -------
    shape (b,), positions in `labels`; all of them if n is at most `size`.
    """
    if len(labels) <= size:
        return np.arange(len(labels))
    classes = rng.permutation(np.unique(labels))[: max(size // 2, 1)]
    share, rest = divmod(size, len(classes))
    quotas = share + (np.arange(len(classes)) < rest)
    drawn = [
        rng.permutation(np.flatnonzero(labels == label))[:quota] for label, quota in zip(classes, quotas, strict=True)
    ]
    return np.sort(np.concatenate(drawn))


def cosine_regression(features: Tensor, labels: Tensor) -> Tensor:
    """Regress cosine similarities to 1 within a class and to 0 between classes.

    Parameters
    ----------
    features : shape (b, d); only their directions matter
    labels : shape (b,)

    Returns
    -------
    The mean squared error, with equal total weight for both kinds of pairs; 0 if there is no pair.

    References
    ----------
    Reimers and Gurevych, Sentence-BERT, arXiv:1908.10084; as used by Tunstall et al., arXiv:2209.11055.
    """
    first, second = torch.triu_indices(len(labels), len(labels), offset=1, device=labels.device)
    same = labels[first] == labels[second]
    unit = normalize(features, dim=1)
    errors = ((unit @ unit.T)[first, second] - same.to(features.dtype)) ** 2
    kinds = [errors[kind].mean() for kind in (same, ~same) if kind.any()]
    return torch.stack(kinds).mean() if kinds else features.sum() * 0.0
