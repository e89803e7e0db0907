"""Search for better settings of a training run within a budget, stopping unpromising runs early.

References
----------
Akiba et al., Optuna, KDD 2019. Li et al., A system for massively parallel hyperparameter tuning, MLSys 2020 (asynchronous
successive halving). Bergstra et al., Algorithms for hyper-parameter optimization, NeurIPS 2011 (TPE).
"""

from __future__ import annotations

import math
import time
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from headstart.core.errors import require

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from headstart.engines.context import RunContext
    from headstart.storage.result_cache import Arrays
    from headstart.tuning.settings import TuningSettings

    ReportLoss = Callable[[int, float], None]
    Evaluate = Callable[[TuningSettings, ReportLoss], float]

_RATE_RANGE = 10.0  # rates are searched from a tenth to ten times the start
_RATES = ("learning_rate", "head_learning_rate")
_RANGES = {"layer_decay": (0.6, 1.0), "dropout": (0.0, 0.5), "label_smoothing": (0.0, 0.2)}
_LOG_RANGES = {"weight_decay": (1e-4, 0.3), "l2_sp": (1e-4, 1.0)}
_CHOICES = {
    "trainable_fraction": (0.25, 0.5, 0.75, 1.0),
    "mixup": (0.0, 0.1, 0.2, 0.4),
    "learn_statistics": (False, True),
}
SEARCHED = (*_RATES, *_RANGES, *_LOG_RANGES, *_CHOICES)
_N_RANDOM = 6  # random attempts before the sampler uses the results
_HALVING = 2  # one in two of the attempts that reach a point continues


class Pruned(Exception):  # noqa: N818  (not an error: the attempt is not worth finishing)
    """The search stopped an attempt; `evaluate` must not catch it."""


class _OutOfTime(Pruned):
    """The budget is spent; this attempt is discarded."""


@dataclass(frozen=True, kw_only=True)
class Attempt:
    """One run with some settings.

    Attributes
    ----------
    losses : of held-out items, one per evaluation point
    loss : the last one; infinite if the run diverged
    ended : 'finished', 'pruned' or 'diverged'
    """

    settings: TuningSettings
    losses: tuple[float, ...]
    loss: float
    seconds: float
    ended: Literal["finished", "pruned", "diverged"]


@dataclass(frozen=True, kw_only=True)
class SearchResult:
    """The settings of the finished run with the lowest loss (the start if none finished), and all attempts in order."""

    best: TuningSettings
    tried: tuple[Attempt, ...]


def search(
    evaluate: Evaluate,
    start: TuningSettings,
    *,
    budget_s: float,
    context: RunContext,
    warm_starts: Sequence[Mapping[str, Any]] = (),
    unused_settings: Sequence[str] = (),
    max_attempts: int = 64,
    key: tuple[Any, ...] = (),
) -> SearchResult:
    """Try settings one after the other: the start, those that worked on earlier tasks, then what the sampler suggests.

    Parameters
    ----------
    evaluate : trains with the settings and returns the held-out loss, not finite if the run diverged. It calls
        `report(point, loss)` at points 1, 2, …, which raises `Pruned` if the attempt is not worth finishing
    start : tried first; settings that are not searched keep its values
    budget_s : seconds for all attempts; an attempt that would exceed them is not started, or is stopped
    context : its seed is the sampler's; the same seed and losses give the same attempts. Its cache stores them: a killed
        search resumes after its last complete attempt, and the seconds spent before count towards the budget
    warm_starts : settings by name that did well on other tasks (`starting_points`), tried second
    unused_settings : names of settings that are not searched because the training does not read them
    max_attempts : stop after this many
    key : everything `evaluate` depends on besides the settings

    Raises
    ------
    MissingExtraError
        Optuna is not installed.
    """
    study, ranges = _study(start, warm_starts, unused_settings, context.seed)
    identity = ("search", *key, context.seed, asdict(start), tuple(warm_starts), tuple(unused_settings))
    tried: list[Attempt] = []
    spent_s = 0.0
    with context.progress("searching settings, seconds", math.ceil(budget_s)) as seconds, suppress(_OutOfTime):
        while len(tried) < max_attempts and spent_s + spent_s / max(len(tried), 1) <= budget_s:
            trial = study.ask(ranges)
            run = _RunningAttempt(
                evaluate, replace(start, **trial.params), trial, deadline=time.monotonic() + budget_s - spent_s
            )
            tried.append(run.attempt(context.cache.get_or_compute((*identity, len(tried)), run.arrays)))
            _tell(study, trial, tried[-1])
            spent_s += tried[-1].seconds
            seconds.advance(min(math.floor(spent_s), seconds.total) - seconds.done)
    finished = [attempt for attempt in tried if attempt.ended == "finished"]
    return SearchResult(best=min(finished, key=lambda a: a.loss).settings if finished else start, tried=tuple(tried))


def _study(
    start: TuningSettings, warm_starts: Sequence[Mapping[str, Any]], unused_settings: Sequence[str], seed: int
) -> tuple[Any, dict[str, Any]]:
    """An in-memory study with the first attempts enqueued, and the ranges it samples from."""
    optuna: Any = require("optuna", extra="train", purpose="searching settings")
    optuna.logging.set_verbosity(optuna.logging.ERROR)  # by default it logs each attempt
    between = optuna.distributions.FloatDistribution
    rates = {
        name: between(getattr(start, name) / _RATE_RANGE, getattr(start, name) * _RATE_RANGE, log=True)
        for name in _RATES
    }
    ranges = rates | {name: between(*ends) for name, ends in _RANGES.items()}
    ranges |= {name: between(*ends, log=True) for name, ends in _LOG_RANGES.items()}
    ranges |= {name: optuna.distributions.CategoricalDistribution(values) for name, values in _CHOICES.items()}
    ranges = {name: one for name, one in ranges.items() if name not in unused_settings}
    study = optuna.create_study(
        sampler=optuna.samplers.TPESampler(seed=seed, n_startup_trials=_N_RANDOM),
        pruner=optuna.pruners.SuccessiveHalvingPruner(min_resource=1, reduction_factor=_HALVING),
    )
    for settings in (start, *(replace(start, **point) for point in warm_starts)):
        study.enqueue_trial({name: _within(getattr(settings, name), of) for name, of in ranges.items()})
    return study, ranges


def _tell(study: Any, trial: Any, attempt: Attempt) -> None:
    from optuna.trial import TrialState

    if attempt.ended == "pruned":
        study.tell(trial, state=TrialState.PRUNED)
    else:
        study.tell(trial, attempt.loss)


def _within(value: float, distribution: Any) -> float:
    """The nearest value in the range."""
    if hasattr(distribution, "choices"):
        return min(distribution.choices, key=lambda choice: abs(choice - value))
    return float(np.clip(value, distribution.low, distribution.high))


class _RunningAttempt:
    """One attempt while it runs: it reports losses and learns whether to continue."""

    def __init__(self, evaluate: Evaluate, settings: TuningSettings, trial: Any, *, deadline: float) -> None:
        self.settings = settings
        self._evaluate, self._trial, self._deadline = evaluate, trial, deadline
        self._losses: list[float] = []

    def arrays(self) -> Arrays:
        """Evaluate, and return what the result cache stores."""
        started = time.monotonic()
        try:
            loss, is_pruned = self._evaluate(self.settings, self._report), False
        except _OutOfTime:
            raise
        except Pruned:
            loss, is_pruned = self._losses[-1], True
        numbers = {"loss": loss, "is_pruned": is_pruned, "seconds": time.monotonic() - started}
        return {name: np.array(number) for name, number in numbers.items()} | {"losses": np.array(self._losses)}

    def attempt(self, stored: Arrays) -> Attempt:
        """The attempt from its stored arrays; losses from an earlier process are reported to the study."""
        losses, loss = tuple(stored["losses"].tolist()), float(stored["loss"])
        if not self._losses:
            for point, reported in enumerate(losses, 1):
                self._is_pruned(point, reported)
        diverged = not math.isfinite(loss)
        return Attempt(
            settings=self.settings,
            losses=losses,
            loss=math.inf if diverged else loss,
            seconds=float(stored["seconds"]),
            ended="diverged" if diverged else "pruned" if stored["is_pruned"] else "finished",
        )

    def _report(self, point: int, loss: float) -> None:
        if time.monotonic() > self._deadline:
            raise _OutOfTime
        self._losses.append(loss)
        if self._is_pruned(point, loss):
            raise Pruned

    def _is_pruned(self, point: int, loss: float) -> bool:
        """Report to the study; the pruner records that this point was reached only when it is asked."""
        self._trial.report(loss, point)
        return bool(self._trial.should_prune())
