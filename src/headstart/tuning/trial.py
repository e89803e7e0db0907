"""Trial: one tuning method in the time that is left, compared with the best one before it."""

from __future__ import annotations

import math
import time
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from headstart.core.paired import PairedDifference

if TYPE_CHECKING:
    from collections.abc import Sequence

    from headstart.core.dataset import FloatArray, IntArray
    from headstart.tuning.cross_fitting import CrossFit, Fold, Stopped
    from headstart.tuning.plan import PlannedRun
    from headstart.tuning.tuning_problem import TuningProblem

CLOSED_FORM = "closed form"


@dataclass(frozen=True, kw_only=True)
class MethodResult:
    """The result of one method.

    Attributes
    ----------
    outputs : shape (m, k), for the held-out items by fits without them; only for the first of them if it was given up; None if
        it was not tried or diverged
    below : the method it was compared with, the best one before it; None for the closed form
    planned_s, seconds : estimated and actual time
    kept : whether it became the best so far
    why : the reason, for people
    how : settings, share of the training and alpha, as JSON values
    """

    name: str
    outputs: FloatArray | None
    below: MethodResult | None = None
    planned_s: float = 0.0
    seconds: float = 0.0
    kept: bool = False
    why: str = ""
    how: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Trial:
    """One method, tried in the time that is left.

    Attributes
    ----------
    below : what it is compared with
    n_final : runs on all items that should follow
    is_first : whether the folds that it has no time for can be left out for every method
    """

    tuning_problem: TuningProblem
    planned: PlannedRun
    below: MethodResult
    n_final: int
    is_first: bool
    started: float = field(default_factory=lambda: time.perf_counter())  # noqa: PLW0108  (tests stop the clock)

    def run(self, folds: Sequence[Fold]) -> tuple[MethodResult, CrossFit | None]:
        """Cross-fit it; the cross-fit is None if it cannot be part of a model."""
        from headstart.tuning.cross_fitting import cross_fit
        from headstart.tuning.running_loss import Diverged

        method, left_s = self.planned.method, self._left_s
        if left_s < self.planned.seconds:
            spare_s = max(left_s, 0)
            why = f"not tried: it would take about {self.planned.seconds:.0f} s, and {spare_s:.0f} s of the budget are left"
            return self._result(None, why), None
        try:
            cross_fitted = cross_fit(self.tuning_problem, method, folds, should_stop=self._should_stop)
        except Diverged:
            return self._result(None, "stopped: its loss grew without bound"), None
        is_used = not cross_fitted.stopped or (cross_fitted.stopped == "late" and self.is_first)
        problem = self.tuning_problem.problem
        outputs = cross_fitted.outputs(problem) if is_used else cross_fitted.in_sample_outputs(problem)
        kept = is_used and self._gain(cross_fitted.index, outputs).mean > 0
        why = f"{'lower' if kept else 'no lower'} loss than the {self.below.name} on held-out items"
        if cross_fitted.stopped:
            why = self._why_stopped(cross_fitted) + (f"; {why}" if is_used else "")
        if cross_fitted.n_retried:
            why += f"; {cross_fitted.n_retried} of its runs diverged and were restarted at a third of the rates"
        result = self._result(outputs, why, kept=kept, **cross_fitted.how(problem))
        return result, cross_fitted if is_used else None

    def _should_stop(self, cross_fitted: CrossFit) -> Stopped:
        """Whether its lead is too small to go on for, or what remains would take longer than there is time."""
        outputs, n_seen = cross_fitted.in_sample_outputs(self.tuning_problem.problem), len(cross_fitted.index)
        gain = self._gain(cross_fitted.index, outputs)
        if not gain.may_still_exceed_one_standard_error(share=n_seen / self._n_below):
            return "futile"
        spent_s = time.perf_counter() - self.started
        if cross_fitted.is_half_trained:
            return "late" if self._left_s < spent_s else ""
        return "late" if self._left_s < (1 + self.n_final) * spent_s / cross_fitted.n_folds else ""

    def _why_stopped(self, cross_fitted: CrossFit) -> str:
        where = "halfway through the first run, with" if cross_fitted.is_half_trained else "after"
        seen = f"{where} {len(cross_fitted.index)} of {self._n_below} held-out items"
        if cross_fitted.stopped == "late":
            return f"stopped {seen}, as it takes longer than planned"
        return f"given up {seen}, where it was too far behind the {self.below.name}"

    def _gain(self, index: IntArray, outputs: FloatArray) -> PairedDifference:
        assert self.below.outputs is not None
        return gain_of(self.tuning_problem, index, outputs, self.below.outputs[: len(index)])

    @property
    def _n_below(self) -> int:
        assert self.below.outputs is not None
        return len(self.below.outputs)

    @property
    def _left_s(self) -> float:
        left_s = self.tuning_problem.context.clock.left_s
        return math.inf if left_s is None else left_s

    def _result(self, outputs: FloatArray | None, why: str, *, kept: bool = False, **how: Any) -> MethodResult:
        return MethodResult(
            name=self.planned.name,
            outputs=outputs,
            below=self.below,
            planned_s=self.planned.seconds,
            seconds=self.planned.spent_s + time.perf_counter() - self.started,
            kept=kept,
            why=why,
            how={"settings": asdict(self.planned.method.settings), **how},
        )


def gain_of(tuning_problem: TuningProblem, index: IntArray, above: FloatArray, below: FloatArray) -> PairedDifference:
    """The decrease of the loss on the items at `index`."""
    task, targets = tuning_problem.problem.task_spec, tuning_problem.problem.targets[index]
    losses_above, losses_below = (task.losses(outputs, targets) for outputs in (above, below))
    return PairedDifference.of(losses_below - losses_above, tuning_problem.fold_groups[index])
