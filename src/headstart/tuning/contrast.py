"""What contrastive tuning is made of: batches balanced over classes, and a loss over the pairs inside a batch.

A batch of b items holds b² pairs however many items there are, and an item is run once for all of its pairs. So time and memory
grow with the number of steps alone, where drawing pairs beforehand (Tunstall et al., arXiv:2209.11055) grows with n².
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
    """Draw distinct items, as many of each class as of the others where there are as many.

    Parameters
    ----------
    labels : shape (n,), the class of each item
    size : how many items at most; where two of each class would be more, some classes are drawn and two of each

    Returns
    -------
    shape (b,), positions in `labels`; all of them where n is at most `size`.
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
    features : shape (b, d), of any length; their directions count
    labels : shape (b,)

    Returns
    -------
    The mean squared error, both kinds of pairs weighing the same however many there are of each; 0 where there is no pair.

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
