"""Statistics of batch norms, estimated anew for weights that changed or were averaged.

References
----------
Izmailov et al., Averaging weights leads to wider optima and better generalization, UAI 2018 (averaged weights need new statistics).
Wu and Johnson, Rethinking "batch" in BatchNorm, arXiv:2105.07576 (an exact pass is better than a running mean).
Touvron et al., Fixing the train-test resolution discrepancy, NeurIPS 2019 (so do other sizes of photos).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from headstart.engines.threads import limit_torch, n_threads

if TYPE_CHECKING:
    from headstart.core.dataset import IntArray
    from headstart.tuning.frozen_feature_loader import FrozenFeatureLoader
    from headstart.tuning.trainable_model import TrainableModel

N_ITEMS = 96
_BATCH = 32


def estimate_statistics(model: TrainableModel, loader: FrozenFeatureLoader, index: IntArray, seed: int) -> None:
    """Set means and variances of the learning batch norms to those of items, without augmentation.

    Parameters
    ----------
    index : positions of the training items; at most `N_ITEMS` of them are used, always the same for a seed
    """
    sample = np.random.default_rng(seed).permutation(index)[:N_ITEMS]
    parts = np.array_split(sample, max(1, round(len(sample) / _BATCH)))
    norms = list(model.norms.values())
    momenta = [norm.momentum for norm in norms]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # the mean of all batches
    with torch.no_grad(), limit_torch(n_threads()):
        for part in parts:
            model.features(*loader.plain(part), training=True)
    for norm, momentum in zip(norms, momenta, strict=True):
        norm.momentum = momentum
