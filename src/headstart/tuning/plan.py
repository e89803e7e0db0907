"""Plan: which methods will be tried and how long they will take, estimated from a few measured steps."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from headstart.engines.progress import duration
from headstart.engines.threads import limit_torch, n_threads
from headstart.tuning.batch_norms import N_ITEMS
from headstart.tuning.frozen_feature_loader import FrozenFeatureLoader
from headstart.tuning.loop import N_POINTS, descend
from headstart.tuning.run import ALPHAS
from headstart.tuning.trainable_model import TrainableModel
from headstart.tuning.training_set import TargetLookup, training_set_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from headstart.core.dataset import IntArray
    from headstart.heads.head import LinearHead
    from headstart.tuning.cross_fitting import Fold
    from headstart.tuning.tuning_method import TuningMethod
    from headstart.tuning.tuning_problem import TuningProblem

_N_STEPS = 3  # measured, after one that warms up; the quickest counts, as other work on the machine only adds to it
_N_MEASURED = 16  # items; time is assumed to be proportional to the batch size


@dataclass(frozen=True, kw_only=True)
class PlannedRun:
    """A method with its estimated time.

    Attributes
    ----------
    seconds : estimate for all its runs
    note : distinguishes it from another run of the same method
    spent_s : seconds spent on finding its settings
    """

    method: TuningMethod
    seconds: float
    note: str = ""
    spent_s: float = 0.0

    @property
    def name(self) -> str:
        """Its name for people."""
        return self.method.name + self.note


def plan(
    tuning_problem: TuningProblem, methods: Sequence[TuningMethod], folds: Sequence[Fold], final: IntArray
) -> tuple[PlannedRun, ...]:
    """Measure a training step of each method and estimate its total time; the order of the methods is kept.

    A method that is given up takes less, and so does a rejected one under cross-validation, where fewer folds compare methods.

    Parameters
    ----------
    final : positions of the items that the shipped network is trained on
    """
    head = tuning_problem.initial_head(np.arange(len(tuning_problem.items)))
    return tuple(
        PlannedRun(method=method, seconds=_estimate_seconds(tuning_problem, method, head, folds, final))
        for method in methods
    )


def needs_final_run(folds: Sequence[Fold], final: IntArray) -> bool:
    """Whether no fold's run trains on the items that the shipped network is trained on."""
    return not np.array_equal(folds[0][0], final)


def describe_plan(planned: Sequence[PlannedRun], left_s: float | None) -> str:
    """The plan as a sentence."""
    methods = ", then ".join(f"{one.method.name} (up to about {duration(one.seconds)})" for one in planned)
    within = "" if left_s is None else f"; {duration(max(left_s, 0.0))} of the budget are left"
    return f"Methods to try above the closed-form head: {methods}{within}."


def _estimate_seconds(
    tuning_problem: TuningProblem, method: TuningMethod, head: LinearHead, folds: Sequence[Fold], final: IntArray
) -> float:
    """Frozen blocks once per item, then the steps of each fold and of the final run, then the evaluations."""
    settings, everything = method.settings, np.arange(len(tuning_problem.items))
    model = TrainableModel(
        tuning_problem.source, head, tuning_problem.problem.features, tuning_problem.problem.task_spec
    )
    method.start(model, settings, len(everything))
    sample = np.sort(np.random.default_rng(tuning_problem.problem.seed).permutation(everything)[:_N_MEASURED])
    with limit_torch(n_threads()):
        started = time.perf_counter()
        loader = FrozenFeatureLoader(
            model,
            tuning_problem.items,
            sample,
            settings.augmentation,
            resolution=settings.resolution,
            max_tokens=settings.max_tokens,
        )
        loader.plain(sample)  # decodes photos, which are cached
        model.synchronize()
        frozen_s = (time.perf_counter() - started) / len(sample)
        item_s = _step_seconds(tuning_problem, method, model, loader, sample) / len(sample)
        started = time.perf_counter()
        with torch.no_grad():
            model.features(*loader.plain(sample))
        model.synchronize()
        evaluation_s = (time.perf_counter() - started) / len(sample)
    trained_on = [*(train for train, _ in folds), *([final] if needs_final_run(folds, final) else [])]
    n_seen = sum(_n_seen(method, len(train)) for train in trained_on)
    n_evaluated = sum(_n_evaluated(method, model, len(train), len(test)) for train, test in folds)
    return frozen_s * len(everything) + item_s * n_seen + evaluation_s * n_evaluated


def _n_seen(method: TuningMethod, n_items: int) -> int:
    """Number of items over all steps of a run."""
    size = method.batch_size(n_items, method.settings)
    return size * method.settings.n_steps(max(1, round(n_items / size)))


def _n_evaluated(method: TuningMethod, model: TrainableModel, n_train: int, n_test: int) -> int:
    """Number of items that run through the trained blocks in all evaluations of a run, for statistics and new heads too."""
    n_statistics = min(N_ITEMS, n_train) if model.norms else 0
    n_refitted = n_train if method.refits_head else 0
    return (n_test + n_statistics + n_refitted) * N_POINTS * len(ALPHAS)


def _step_seconds(
    tuning_problem: TuningProblem,
    method: TuningMethod,
    model: TrainableModel,
    loader: FrozenFeatureLoader,
    sample: IntArray,
) -> float:
    """The time of one step, with all blocks unfrozen."""
    targets = TargetLookup(training_set_of(tuning_problem.problem, sample), model.device)(sample)
    optimiser = torch.optim.AdamW([{"params": [p]} for p in model.trainable_parameters().values()])
    method.unfreeze(model, 1.0, method.settings)
    seconds = []
    for _ in range(_N_STEPS + 1):
        started = time.perf_counter()
        features = model.features(*loader.draw(sample, torch.default_generator), training=True)
        loss = method.loss(model, features, *targets, method.settings)
        descend(model, loss, optimiser, dict.fromkeys(model.trainable_parameters(), 0.0))
        model.synchronize()
        seconds.append(time.perf_counter() - started)
    return min(seconds[1:])
