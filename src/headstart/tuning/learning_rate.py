"""The learning rate over a training run: linear warm-up, then cosine decay.

References
----------
Loshchilov and Hutter, SGDR: stochastic gradient descent with warm restarts, ICLR 2017 (cosine). Goyal et al., Accurate, large minibatch
SGD, 2017 (warm-up).
"""

from __future__ import annotations

import math


def warm_up_and_cosine(done: float, *, warm_up: float, lowest: float) -> float:
    """The learning rate as a share of its peak.

    Parameters
    ----------
    done : share of the training that is done, 0 to 1
    warm_up : share of the training during which the rate rises
    lowest : minimum during the warm-up, so that the first step has an effect

    >>> [round(warm_up_and_cosine(done, warm_up=0.1, lowest=0.05), 2) for done in (0.0, 0.05, 0.1, 0.55, 1.0)]
    [0.05, 0.5, 1.0, 0.5, 0.0]
    """
    if done < warm_up:
        return max(done / warm_up, lowest)
    return (1 + math.cos(math.pi * (done - warm_up) / (1 - warm_up))) / 2
