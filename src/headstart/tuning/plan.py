"""Plan: what will be tried, in which order and for how long, from a few steps that are measured beforehand."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from headstart.engines.progress import duration
from headstart.engines.threads import limit_torch, n_threads
from headstart.tuning.examples import Examples
from headstart.tuning.loop import N_POINTS, descend
from headstart.tuning.run import ALPHAS
from headstart.tuning.trainee import Trainee
from headstart.tuning.training_set import Lookup, lesson_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from headstart.adaptation.head import LinearHead
    from headstart.core.dataset import IntArray
    from headstart.tuning.ground import Ground
    from headstart.tuning.rung import Fold
    from headstart.tuning.strategy import Strategy

_N_STEPS = 2  # measured, after one that warms up
_N_MEASURED = 16  # items; the time of a batch is taken to grow with its items


@dataclass(frozen=True, kw_only=True)
class Planned:
    """A rung before it is tried.

    Attributes
    ----------
    seconds : for all its runs, foretold
    note : what tells it from another rung of that strategy
    spent_s : seconds that went into finding its settings
    """

    strategy: Strategy
    seconds: float
    note: str = ""
    spent_s: float = 0.0

    @property
    def name(self) -> str:
        """What people call it."""
        return self.strategy.name + self.note


def plan(ground: Ground, strategies: Sequence[Strategy], folds: Sequence[Fold]) -> tuple[Planned, ...]:
    """Measure a step forward and back of each strategy, and foretell, in the order in which they came.

    A rung that is given up takes less, and so does one that is not kept where the proof is in folds: fewer of them tell rungs apart.
    """
    head = ground.began(np.arange(len(ground.items)))
    return tuple(
        Planned(strategy=strategy, seconds=_foretold(ground, strategy, head, folds)) for strategy in strategies
    )


def told(planned: Sequence[Planned], left_s: float | None) -> str:
    """The plan in a sentence for people."""
    rungs = ", then ".join(f"{one.strategy.name} (up to about {duration(one.seconds)})" for one in planned)
    within = "" if left_s is None else f"; {duration(max(left_s, 0.0))} of the budget are left"
    return f"Rungs to try above the closed-form head: {rungs}{within}."


def _foretold(ground: Ground, strategy: Strategy, head: LinearHead, folds: Sequence[Fold]) -> float:
    """Frozen blocks once for each item, then the steps of each fold and of the last run on everything, and the looks."""
    settings, everything = strategy.settings, np.arange(len(ground.items))
    trainee = Trainee(ground.source, head, ground.problem.features, ground.problem.task_spec)
    strategy.start(trainee, settings)
    sample = np.sort(np.random.default_rng(ground.problem.seed).permutation(everything)[:_N_MEASURED])
    with limit_torch(n_threads()):
        started = time.perf_counter()
        examples = Examples(trainee, ground.items, sample, settings.augmentation)
        trainee.wait()
        frozen_s = (time.perf_counter() - started) / len(sample)
        item_s = _step_seconds(ground, strategy, trainee, examples, sample) / len(sample)
        started = time.perf_counter()
        with torch.no_grad():
            trainee.features(*examples.plain(sample))
        trainee.wait()
        look_s = (time.perf_counter() - started) / len(sample)
    n_seen = sum(_n_seen(strategy, len(learnt)) for learnt in [*(learnt for learnt, _ in folds), everything])
    n_looked = sum(len(held_out) for _, held_out in folds) * N_POINTS * len(ALPHAS)
    return frozen_s * len(everything) + item_s * n_seen + look_s * n_looked


def _n_seen(strategy: Strategy, n_items: int) -> int:
    """Items of all steps of a run."""
    size = strategy.batch_size(n_items, strategy.settings)
    return size * strategy.settings.n_steps(max(1, round(n_items / size)))


def _step_seconds(ground: Ground, strategy: Strategy, trainee: Trainee, examples: Examples, sample: IntArray) -> float:
    """The time of one step, with all blocks thawed."""
    targets = Lookup(lesson_of(ground.problem, sample), trainee.device)(sample)
    optimiser = torch.optim.AdamW([{"params": [p]} for p in trainee.learning().values()])
    strategy.thaw(trainee, 1.0, strategy.settings)
    for number in range(_N_STEPS + 1):
        if number == 1:
            started = time.perf_counter()
        features = trainee.features(*examples.draw(sample, torch.default_generator))
        loss = strategy.loss(trainee, features, *targets, strategy.settings)
        descend(trainee, loss, optimiser, dict.fromkeys(trainee.learning(), 0.0))
        trainee.wait()
    return (time.perf_counter() - started) / _N_STEPS
