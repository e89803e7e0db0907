"""What contrastive tuning is made of: batches balanced over classes, and losses over the pairs inside a batch.

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


def supervised_contrastive(features: Tensor, labels: Tensor, temperature: float) -> Tensor:
    """Pull items of one class together, push the others away: the cross-entropy of each item's pairs.

    Parameters
    ----------
    features : shape (b, d), of any length; their directions count
    labels : shape (b,)
    temperature : of the cosine similarities; the smaller, the more the nearest items count

    Returns
    -------
    The mean over the items that have another of their class, in nats; 0 where there is none.

    References
    ----------
    Khosla et al., Supervised contrastive learning, arXiv:2004.11362 (L_out).
    """
    itself = torch.eye(len(labels), dtype=torch.bool, device=labels.device)
    positive = (labels[:, None] == labels[None, :]) & ~itself
    logits = (_cosines(features) / temperature).masked_fill(itself, -torch.inf)
    log_shares = torch.log_softmax(logits, dim=1).masked_fill(~positive, 0.0)  # an item's pair with itself is -inf
    counts = positive.sum(dim=1)
    paired = counts > 0
    if not paired.any():
        return features.sum() * 0.0
    return -(log_shares.sum(dim=1)[paired] / counts[paired]).mean()


def cosine_regression(features: Tensor, labels: Tensor) -> Tensor:
    """Regress cosine similarities to 1 within a class and to 0 between classes.

    The two kinds of pairs weigh the same, however many there are of each. Features (b, d), labels (b,).

    References
    ----------
    Reimers and Gurevych, Sentence-BERT, arXiv:1908.10084; as used by Tunstall et al., arXiv:2209.11055.
    """
    first, second = torch.triu_indices(len(labels), len(labels), offset=1, device=labels.device)
    same = labels[first] == labels[second]
    errors = (_cosines(features)[first, second] - same.to(features.dtype)) ** 2
    kinds = [errors[kind].mean() for kind in (same, ~same) if kind.any()]
    return torch.stack(kinds).mean() if kinds else features.sum() * 0.0


def _cosines(features: Tensor) -> Tensor:
    unit = normalize(features, dim=1)
    return unit @ unit.T
