"""Search other settings for one strategy, judged on the first of the folds."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

from headstart.adaptation.calibration import fit_calibration
from headstart.tuning.loop import Diverged
from headstart.tuning.run import Run
from headstart.tuning.search import search

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from headstart.core.dataset import FloatArray
    from headstart.tuning.ground import Ground
    from headstart.tuning.plan import Planned
    from headstart.tuning.rung import Fold
    from headstart.tuning.settings import Settings


def search_settings(ground: Ground, planned: Planned, folds: Sequence[Fold], *, budget_s: float) -> Planned:
    """Give the strategy with the settings that lost least on the first fold; the other folds judge them afterwards.

    Parameters
    ----------
    budget_s : seconds for all attempts
    """
    learnt, held_out = folds[0]
    problem = ground.problem

    def evaluate(settings: Settings, report: Callable[[int, float], None]) -> float:
        lost: list[float] = []

        def at_point(scores: FloatArray) -> None:
            blends = (fit_calibration(one, problem.targets[held_out], problem.task).loss for one in scores)
            lost.append(min(blends))
            report(len(lost), lost[-1])

        try:
            scores = a_run(settings).scores(at_point)
        except Diverged:
            return math.inf
        for one in scores[len(lost) :]:  # of a run that was remembered
            at_point(one)
        return min(lost)

    def a_run(settings: Settings) -> Run:
        return Run(ground=quiet, strategy=planned.strategy, settings=settings, learnt=learnt, held_out=held_out)

    quiet = replace(ground, progress=None)
    start = planned.strategy.settings
    found = search(
        evaluate,
        start,
        budget_s=budget_s,
        seed=problem.seed,
        progress=ground.progress,
        journal=ground.journal,
        key=a_run(start).identity,
    )
    return replace(planned, strategy=replace(planned.strategy, settings=found.best))
