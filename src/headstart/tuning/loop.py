"""The one loop by which every strategy trains.

References
----------
Loshchilov and Hutter, Decoupled weight decay regularization, ICLR 2019. Li, Grandvalet and Davoine, Explicit inductive bias for
transfer learning, ICML 2018 (L2-SP). Zhang et al., mixup, ICLR 2018; Verma et al., Manifold mixup, ICML 2019.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from headstart.engines.threads import limit_torch, n_threads

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from headstart.core.dataset import FloatArray, IntArray
    from headstart.engines.progress import Progress
    from headstart.tuning.checkpoint import Checkpoint
    from headstart.tuning.examples import Examples
    from headstart.tuning.settings import Settings
    from headstart.tuning.strategy import Strategy
    from headstart.tuning.trainee import Trainee, Weights

N_POINTS = 2  # moments of a run, evenly spread, at which it is looked at and might have ended
_WARM_UP = 0.1
_LARGEST_GRADIENT = 1.0
_DIVERGED = (4.0, 1.0)  # the running mean of the loss is so many times that of the warm-up, and so much more
_COLLAPSED = (1.25, 0.05)  # likewise where a run is looked at: what it had learnt is gone, and it does not come back

Watch = tuple[float, float]


class Diverged(Exception):  # noqa: N818  (no error of the user's or ours: the rung is not taken)
    """The loss grew beyond all bounds or is no number, or the run lost what it began with."""


@dataclass(frozen=True, kw_only=True)
class Lesson:
    """What is learnt: positions (m,) among the examples, with the targets (m, k) and the weights (m,) of those items."""

    index: IntArray
    targets: FloatArray
    weights: FloatArray


def train(
    trainee: Trainee,
    examples: Examples,
    lesson: Lesson,
    settings: Settings,
    *,
    strategy: Strategy,
    seed: int,
    checkpoint: Checkpoint,
    steps: Progress,
    look: Callable[[int], FloatArray] = lambda _: np.empty(0),
    n_points: int = N_POINTS,
) -> FloatArray:
    """Train up to point `n_points` of `N_POINTS`; a run that was killed goes on from its checkpoint and ends with the same bits.

    Parameters
    ----------
    trainee : prepared by the strategy; trained in place
    look : called at each point with its number, from 1; what it gives is returned, a row a point

    Raises
    ------
    Diverged
        The loss is no number any more, or many times what it was in the warm-up, or well above that at a point.
    """
    optimiser = torch.optim.AdamW(
        [{"params": [p]} for p in trainee.learning().values()], weight_decay=settings.weight_decay
    )
    rates, start = trainee.rates(settings), trainee.weights()
    lookup = Lookup(lesson, trainee.device)
    epoch, batches = 0, strategy.batches(examples, lesson, settings, seed, 0)
    n_steps = settings.n_steps(len(batches))
    points = [round(n_steps * (i + 1) / N_POINTS) for i in range(n_points)]
    watch, step, seen = checkpoint.restore(trainee, optimiser)
    steps.advance(step)
    with limit_torch(n_threads()):
        while step < points[-1]:
            if step // len(batches) != epoch:
                epoch = step // len(batches)
                batches = strategy.batches(examples, lesson, settings, seed, epoch)
            strategy.thaw(trainee, step / n_steps, settings)
            with torch.random.fork_rng(devices=[]):
                generator = torch.manual_seed(seed * 1_000_003 + step)  # a step's chance hangs on its number alone
                index = batches[step % len(batches)]
                with trainee.half_precision():
                    features = trainee.features(*examples.draw(index, generator))
                loss = strategy.loss(trainee, features.float(), *lookup(index), settings)
            watch = _watched(watch, float(loss.detach()), step, n_steps)
            descend(trainee, loss, optimiser, {name: rate * _height(step / n_steps) for name, rate in rates.items()})
            _pull(trainee, start, rates, settings.l2_sp * _height(step / n_steps))
            step += 1
            steps.advance()
            if step in points:
                _check(watch, _COLLAPSED)
                seen.append(look(len(seen) + 1))
            checkpoint.keep(trainee, optimiser, watch, step, seen)
    return np.stack(seen)


class Lookup:
    """Targets and weights of items by their position among the examples."""

    def __init__(self, lesson: Lesson, device: torch.device) -> None:
        self._row = {int(position): row for row, position in enumerate(lesson.index)}
        self._targets, self._weights = (
            torch.tensor(values, dtype=torch.float32, device=device) for values in (lesson.targets, lesson.weights)
        )

    def __call__(self, index: IntArray) -> tuple[torch.Tensor, torch.Tensor]:
        """Shapes (m, k) and (m,)."""
        rows = torch.tensor([self._row[int(position)] for position in index])
        return self._targets[rows], self._weights[rows]


def _watched(watch: Watch | None, loss: float, step: int, n_steps: int) -> Watch:
    """The mean loss of the warm-up, and the running mean of all."""
    first, mean = watch or (loss, loss)
    if step <= _WARM_UP * n_steps:
        first += (loss - first) / (step + 1)
    watch = first, 0.9 * mean + 0.1 * loss
    _check(watch, _DIVERGED)
    return watch


def _check(watch: Watch, bound: tuple[float, float]) -> None:
    (first, mean), (times, more) = watch, bound
    if not mean <= times * abs(first) + more:  # so written, it finds what is no number too
        raise Diverged


def _height(done: float) -> float:
    """Rise linearly for a tenth of the training, then fall along a cosine; a share of the largest rate."""
    if done < _WARM_UP:
        return max(done / _WARM_UP, 0.05)
    return (1 + math.cos(math.pi * (done - _WARM_UP) / (1 - _WARM_UP))) / 2


def descend(trainee: Trainee, loss: torch.Tensor, optimiser: torch.optim.Optimizer, rates: Mapping[str, float]) -> None:
    """One step of the optimiser, the gradient clipped."""
    optimiser.zero_grad()
    loss.backward()  # type: ignore[no-untyped-call]
    torch.nn.utils.clip_grad_norm_(trainee.learning().values(), _LARGEST_GRADIENT)
    for group, rate in zip(optimiser.param_groups, rates.values(), strict=True):
        group["lr"] = rate
    optimiser.step()


def _pull(trainee: Trainee, start: Weights, rates: Mapping[str, float], strength: float) -> None:
    """Decay towards the weights that the run began with (L2-SP), apart from the gradient as AdamW decays towards zero."""
    with torch.no_grad():
        for name, parameter in trainee.learning().items():
            parameter.lerp_(start[name], min(rates[name] * strength, 1.0))
