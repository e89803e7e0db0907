"""The training loop of all methods.

References
----------
Loshchilov and Hutter, Decoupled weight decay regularization, ICLR 2019. Li, Grandvalet and Davoine, Explicit inductive bias for
transfer learning, ICML 2018 (L2-SP). Zhang et al., mixup, ICLR 2018; Verma et al., Manifold mixup, ICML 2019.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from headstart.engines.threads import limit_torch, n_threads
from headstart.tuning.learning_rate import warm_up_and_cosine
from headstart.tuning.running_loss import check_not_collapsed, updated
from headstart.tuning.training_set import TargetLookup

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from headstart.core.dataset import FloatArray
    from headstart.engines.progress import Progress
    from headstart.tuning.checkpoint import Checkpoint
    from headstart.tuning.frozen_feature_loader import FrozenFeatureLoader
    from headstart.tuning.settings import TuningSettings
    from headstart.tuning.trainable_model import TrainableModel, Weights
    from headstart.tuning.training_set import TrainingSet
    from headstart.tuning.tuning_method import TuningMethod

N_POINTS = 2  # evenly spaced points of a run at which it is evaluated and might stop
_WARM_UP = 0.1  # share of the steps
_MIN_RATE = 0.05  # share of the largest, in the first steps
_MAX_GRADIENT_NORM = 1.0


def train(
    model: TrainableModel,
    loader: FrozenFeatureLoader,
    training_set: TrainingSet,
    settings: TuningSettings,
    *,
    method: TuningMethod,
    seed: int,
    checkpoint: Checkpoint,
    steps: Progress,
    evaluate: Callable[[int], FloatArray] = lambda _: np.empty(0),
    n_points: int = N_POINTS,
) -> FloatArray:
    """Train up to point `n_points` of `N_POINTS`; a killed run resumes from its checkpoint and ends with the same bits.

    Parameters
    ----------
    model : prepared by the method; trained in place
    evaluate : called at each point with its number, from 1; its results are returned, one row per point

    Raises
    ------
    Diverged
        The loss is NaN, or many times that of the warm-up, or well above it at an evaluation point.
    """
    optimiser = torch.optim.AdamW(
        [{"params": [p]} for p in model.trainable_parameters().values()], weight_decay=settings.weight_decay
    )
    rates, start = model.rates(settings), model.weights()
    lookup = TargetLookup(training_set, model.device)
    epoch, batches = 0, method.batches(loader, training_set, settings, seed, 0)
    n_steps = settings.n_steps(len(batches))
    points = [round(n_steps * (i + 1) / N_POINTS) for i in range(n_points)]
    running_loss, step, evaluated = checkpoint.restore(model, optimiser)
    steps.advance(step)
    with limit_torch(n_threads()):
        while step < points[-1]:
            if step // len(batches) != epoch:
                epoch = step // len(batches)
                batches = method.batches(loader, training_set, settings, seed, epoch)
            method.unfreeze(model, step / n_steps, settings)
            with torch.random.fork_rng(devices=[]):
                generator = torch.manual_seed(seed * 1_000_003 + step)  # randomness depends only on the step number
                index = batches[step % len(batches)]
                with model.half_precision():
                    features = model.features(*loader.draw(index, generator), training=True)
                loss = method.loss(model, features.float(), *lookup(index), settings)
            running_loss = updated(running_loss, float(loss.detach()), step=step, n_warm_up=_WARM_UP * n_steps)
            height = warm_up_and_cosine(step / n_steps, warm_up=_WARM_UP, lowest=_MIN_RATE)
            descend(model, loss, optimiser, {name: rate * height for name, rate in rates.items()})
            _decay_towards_start(model, start, rates, settings.l2_sp * height)
            step += 1
            steps.advance()
            if step in points:
                check_not_collapsed(running_loss)
                evaluated.append(evaluate(len(evaluated) + 1))
            checkpoint.keep(model, optimiser, running_loss, step, evaluated)
    return np.stack(evaluated)


def descend(
    model: TrainableModel, loss: torch.Tensor, optimiser: torch.optim.Optimizer, rates: Mapping[str, float]
) -> None:
    """One optimizer step with gradient clipping."""
    optimiser.zero_grad()
    loss.backward()  # type: ignore[no-untyped-call]
    torch.nn.utils.clip_grad_norm_(model.trainable_parameters().values(), _MAX_GRADIENT_NORM)
    for group, rate in zip(optimiser.param_groups, rates.values(), strict=True):
        group["lr"] = rate
    optimiser.step()


def _decay_towards_start(model: TrainableModel, start: Weights, rates: Mapping[str, float], strength: float) -> None:
    """Decay towards the initial weights (L2-SP), decoupled from the gradient as in AdamW."""
    with torch.no_grad():
        for name, parameter in model.trainable_parameters().items():
            parameter.lerp_(start[name], min(rates[name] * strength, 1.0))
