"""Plan: what will be tried, in which order and for how long, from a few steps that are measured beforehand."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from headstart.engines.progress import duration
from headstart.engines.threads import limit_torch, n_threads
from headstart.tuning.frozen_feature_loader import FrozenFeatureLoader
from headstart.tuning.loop import N_POINTS, descend
from headstart.tuning.run import ALPHAS
from headstart.tuning.trainable_model import TrainableModel
from headstart.tuning.training_set import TargetsOfItems, training_set_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from headstart.core.dataset import IntArray
    from headstart.heads.head import LinearHead
    from headstart.tuning.cross_fitting import Fold
    from headstart.tuning.tuning_method import TuningMethod
    from headstart.tuning.tuning_problem import TuningProblem

_N_STEPS = 2  # measured, after one that warms up
_N_MEASURED = 16  # items; the time of a batch is taken to grow with its items


@dataclass(frozen=True, kw_only=True)
class PlannedRun:
    """A method before it is tried.

    Attributes
    ----------
    seconds : for all its runs, predicted
    note : what tells it from another method of that method
    spent_s : seconds that went into finding its settings
    """

    method: TuningMethod
    seconds: float
    note: str = ""
    spent_s: float = 0.0

    @property
    def name(self) -> str:
        """What people call it."""
        return self.method.name + self.note


def plan(
    tuning_problem: TuningProblem, methods: Sequence[TuningMethod], folds: Sequence[Fold]
) -> tuple[PlannedRun, ...]:
    """Measure a step forward and back of each method, and predict, in the order in which they came.

    A method that is given up takes less, and so does one that is not kept where the proof is in folds: fewer of them tell methods apart.
    """
    head = tuning_problem.initial_head(np.arange(len(tuning_problem.items)))
    return tuple(
        PlannedRun(method=method, seconds=_estimate_seconds(tuning_problem, method, head, folds)) for method in methods
    )


def describe_plan(planned: Sequence[PlannedRun], left_s: float | None) -> str:
    """The plan in a sentence for people."""
    results = ", then ".join(f"{one.method.name} (up to about {duration(one.seconds)})" for one in planned)
    within = "" if left_s is None else f"; {duration(max(left_s, 0.0))} of the budget are left"
    return f"Methods to try above the closed-form head: {results}{within}."


def _estimate_seconds(
    tuning_problem: TuningProblem, method: TuningMethod, head: LinearHead, folds: Sequence[Fold]
) -> float:
    """Frozen blocks once for each item, then the steps of each fold and of the last run on everything, and the looks."""
    settings, everything = method.settings, np.arange(len(tuning_problem.items))
    model = TrainableModel(
        tuning_problem.source, head, tuning_problem.problem.features, tuning_problem.problem.task_spec
    )
    method.start(model, settings)
    sample = np.sort(np.random.default_rng(tuning_problem.problem.seed).permutation(everything)[:_N_MEASURED])
    with limit_torch(n_threads()):
        started = time.perf_counter()
        loader = FrozenFeatureLoader(model, tuning_problem.items, sample, settings.augmentation)
        model.synchronize()
        frozen_s = (time.perf_counter() - started) / len(sample)
        item_s = _step_seconds(tuning_problem, method, model, loader, sample) / len(sample)
        started = time.perf_counter()
        with torch.no_grad():
            model.features(*loader.plain(sample))
        model.synchronize()
        look_s = (time.perf_counter() - started) / len(sample)
    n_seen = sum(_n_seen(method, len(train)) for train in [*(train for train, _ in folds), everything])
    n_looked = sum(len(test) for _, test in folds) * N_POINTS * len(ALPHAS)
    return frozen_s * len(everything) + item_s * n_seen + look_s * n_looked


def _n_seen(method: TuningMethod, n_items: int) -> int:
    """Items of all steps of a run."""
    size = method.batch_size(n_items, method.settings)
    return size * method.settings.n_steps(max(1, round(n_items / size)))


def _step_seconds(
    tuning_problem: TuningProblem,
    method: TuningMethod,
    model: TrainableModel,
    loader: FrozenFeatureLoader,
    sample: IntArray,
) -> float:
    """The time of one step, with all blocks unfrozen."""
    targets = TargetsOfItems(training_set_of(tuning_problem.problem, sample), model.device)(sample)
    optimiser = torch.optim.AdamW([{"params": [p]} for p in model.trainable_parameters().values()])
    method.unfreeze(model, 1.0, method.settings)
    for number in range(_N_STEPS + 1):
        if number == 1:
            started = time.perf_counter()
        features = model.features(*loader.draw(sample, torch.default_generator))
        loss = method.loss(model, features, *targets, method.settings)
        descend(model, loss, optimiser, dict.fromkeys(model.trainable_parameters(), 0.0))
        model.synchronize()
    return (time.perf_counter() - started) / _N_STEPS
