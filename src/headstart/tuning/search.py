"""Search: other settings of a training run, within a budget, those that disappoint stopped early.

References
----------
Akiba et al., Optuna, KDD 2019. Li et al., A system for massively parallel hyperparameter tuning, MLSys 2020 (successive halving
that waits for nobody). Bergstra et al., Algorithms for hyper-parameter optimization, NeurIPS 2011 (TPE).
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

    Report = Callable[[int, float], None]
    Evaluate = Callable[[TuningSettings, Report], float]

_REACH = 10.0  # rates are sought from a tenth of where the search starts to ten times it
_RATES = ("learning_rate", "head_learning_rate")
_RANGES = {"layer_decay": (0.6, 1.0), "dropout": (0.0, 0.5), "label_smoothing": (0.0, 0.2)}
_LOG_RANGES = {"weight_decay": (1e-4, 0.3), "l2_sp": (1e-4, 1.0)}
_CHOICES = {"trainable_fraction": (0.25, 0.5, 0.75, 1.0), "mixup": (0.0, 0.1, 0.2, 0.4)}
SEARCHED = (*_RATES, *_RANGES, *_LOG_RANGES, *_CHOICES)
_N_RANDOM = 6  # attempts before the sampler trusts what it has seen
_HALVING = 2  # of the attempts that reach a point, one in two goes on


class Pruned(Exception):  # noqa: N818  (no error: the attempt is not worth finishing)
    """An attempt was stopped by the search; `evaluate` lets it through."""


class _OutOfTime(Pruned):
    """The budget is spent; what was found of this attempt is not kept."""


@dataclass(frozen=True, kw_only=True)
class Attempt:
    """One run with its settings.

    Attributes
    ----------
    losses : of held-out items, one a point of the run
    loss : the last one; that of a run that diverged is infinite
    ended : 'finished', 'pruned' or 'diverged'
    """

    settings: TuningSettings
    losses: tuple[float, ...]
    loss: float
    seconds: float
    ended: Literal["finished", "pruned", "diverged"]


@dataclass(frozen=True, kw_only=True)
class SearchResult:
    """The settings whose finished run lost least, and every attempt in order; those that it started from if none finished."""

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
    most: int = 64,
    key: tuple[Any, ...] = (),
) -> SearchResult:
    """Try settings one after the other: where it starts, what earlier tasks liked, then what the attempts so far suggest.

    Parameters
    ----------
    evaluate : trains with the settings and gives the held-out loss, not finite where the run diverged. It calls
        `report(point, loss)` at points 1, 2, …, which raises `Pruned` where the attempt is not worth finishing
    start : tried first; settings that are not searched stay as they are there
    budget_s : seconds for all attempts; one that would go beyond is not begun, or is given up
    context : its seed is the sampler's; the same seed and losses give the same attempts. Its cache remembers them: a search that
        was killed goes on after its last whole attempt, and the seconds that it took before count towards the budget
    warm_starts : settings by name that did well on other tasks (`starting_points`), tried second
    unused_settings : names of settings that stay as they are at the start, for the training does not read them
    most : attempts at most
    key : all that `evaluate` depends on but the settings

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
        while len(tried) < most and spent_s + spent_s / max(len(tried), 1) <= budget_s:
            trial = study.ask(ranges)
            run = _Run(evaluate, replace(start, **trial.params), trial, deadline=time.monotonic() + budget_s - spent_s)
            tried.append(run.attempt(context.cache.get_or_compute((*identity, len(tried)), run.arrays)))
            _tell(study, trial, tried[-1])
            spent_s += tried[-1].seconds
            seconds.advance(min(math.floor(spent_s), seconds.total) - seconds.done)
    finished = [attempt for attempt in tried if attempt.ended == "finished"]
    return SearchResult(best=min(finished, key=lambda a: a.loss).settings if finished else start, tried=tuple(tried))


def _study(
    start: TuningSettings, warm_starts: Sequence[Mapping[str, Any]], unused_settings: Sequence[str], seed: int
) -> tuple[Any, dict[str, Any]]:
    """A study in memory, what is tried first already queued, and the ranges that it draws from."""
    optuna: Any = require("optuna", extra="train", purpose="searching settings")
    optuna.logging.set_verbosity(optuna.logging.ERROR)  # it speaks of each attempt otherwise
    between = optuna.distributions.FloatDistribution
    rates = {name: between(getattr(start, name) / _REACH, getattr(start, name) * _REACH, log=True) for name in _RATES}
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
    """The nearest value that may be drawn."""
    if hasattr(distribution, "choices"):
        return min(distribution.choices, key=lambda choice: abs(choice - value))
    return float(np.clip(value, distribution.low, distribution.high))


class _Run:
    """One attempt while it runs: what it reports, and whether it may go on."""

    def __init__(self, evaluate: Evaluate, settings: TuningSettings, trial: Any, *, deadline: float) -> None:
        self.settings = settings
        self._evaluate, self._cross_fit_of, self._deadline = evaluate, trial, deadline
        self._losses: list[float] = []

    def arrays(self) -> Arrays:
        """Evaluate; what the result cache keeps of it."""
        initial_head = time.monotonic()
        try:
            loss, is_pruned = self._evaluate(self.settings, self._report), False
        except _OutOfTime:
            raise
        except Pruned:
            loss, is_pruned = self._losses[-1], True
        numbers = {"loss": loss, "is_pruned": is_pruned, "seconds": time.monotonic() - initial_head}
        return {name: np.array(number) for name, number in numbers.items()} | {"losses": np.array(self._losses)}

    def attempt(self, kept: Arrays) -> Attempt:
        """What came of it, now or before a kill; the study learns it."""
        losses, loss = tuple(kept["losses"].tolist()), float(kept["loss"])
        if not self._losses:
            for point, reported in enumerate(losses, 1):
                self._is_pruned(point, reported)
        diverged = not math.isfinite(loss)
        return Attempt(
            settings=self.settings,
            losses=losses,
            loss=math.inf if diverged else loss,
            seconds=float(kept["seconds"]),
            ended="diverged" if diverged else "pruned" if kept["is_pruned"] else "finished",
        )

    def _report(self, point: int, loss: float) -> None:
        if time.monotonic() > self._deadline:
            raise _OutOfTime
        self._losses.append(loss)
        if self._is_pruned(point, loss):
            raise Pruned

    def _is_pruned(self, point: int, loss: float) -> bool:
        """Tell the study; the pruner remembers who got as far as this only when it is asked."""
        self._cross_fit_of.report(loss, point)
        return bool(self._cross_fit_of.should_prune())
