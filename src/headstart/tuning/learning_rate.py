"""The learning rate over a training run: linear warm-up, then cosine decay.

References
----------
Loshchilov and Hutter, SGDR: stochastic gradient descent with warm restarts, ICLR 2017 (cosine). Goyal et al., Accurate, large minibatch
SGD, 2017 (warm-up).
"""

from __future__ import annotations

import math


def warm_up_and_cosine(done: float, *, warm_up: float, lowest: float) -> float:
    """Give the learning rate as a share of the largest.

    Parameters
    ----------
    done : share of the training that is done, 0 to 1
    warm_up : share of the training in which the rate rises
    lowest : the least share while it rises, so that the first step changes something

    >>> [round(warm_up_and_cosine(done, warm_up=0.1, lowest=0.05), 2) for done in (0.0, 0.05, 0.1, 0.55, 1.0)]
    [0.05, 0.5, 1.0, 0.5, 0.0]
    """
    if done < warm_up:
        return max(done / warm_up, lowest)
    return (1 + math.cos(math.pi * (done - warm_up) / (1 - warm_up))) / 2
