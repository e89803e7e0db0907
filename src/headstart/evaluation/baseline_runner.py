"""BaselineRunner: fit and score every baseline; single-threaded ones train beside everything else."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Self

from headstart.evaluation.experiment import BaselineEvaluand, HeldOutPredictions, predict_held_out

if TYPE_CHECKING:
    from concurrent.futures import Future
    from types import TracebackType

    from headstart.evaluation.baseline import Baseline
    from headstart.evaluation.experiment import Experiment


class BaselineRunner:
    """Context that runs the baselines of one evaluation: single-threaded ones start on entry, the others in `finish`.

    With a time budget nothing runs concurrently, so that the cost of a baseline is known before the next one starts.

    Parameters
    ----------
    baselines : cheapest first
    experiment : baselines that no longer fit in the budget of its context are skipped, with a notice
    """

    def __init__(self, baselines: tuple[Baseline, ...], experiment: Experiment) -> None:
        self._baselines, self._experiment = baselines, experiment
        self._clock = experiment.context.clock
        self._queue = experiment.context.executor.queue()
        self._silent = experiment.context.silent()
        self._futures: dict[str, Future[HeldOutPredictions]] = {}

    def __enter__(self) -> Self:
        self._queue.__enter__()
        quiet = replace(self._experiment, context=self._silent)
        for baseline in self._baselines:
            if baseline.single_threaded and self._clock.left_s is None:
                self._say(f"fitting the baseline {baseline.name} on one core, beside the rest")
                evaluand = BaselineEvaluand(baseline)
                self._futures[baseline.name] = self._queue.submit(predict_held_out, evaluand, quiet)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._silent.cancel_token.cancel()
        self._queue.__exit__(kind, error, trace)

    def finish(self) -> tuple[list[HeldOutPredictions], list[dict[str, Any]]]:
        """Run the other baselines and wait for all: predictions in the order of the baselines, and notices on skipped ones."""
        done: dict[str, HeldOutPredictions] = {}
        skipped: list[dict[str, Any]] = []
        spent_s = 0.0  # on the previous baseline
        for baseline in self._baselines:
            if baseline.name in self._futures:
                continue
            left = self._clock.left_s
            if left is not None and (left <= 0 or left < spent_s):  # the next costs at least as much
                skipped.append(_skipped_notice(baseline))
                continue
            self._say(f"fitting the baseline {baseline.name}")
            done[baseline.name] = predict_held_out(BaselineEvaluand(baseline), self._experiment)
            spent_s = done[baseline.name].seconds
        done |= {name: future.result() for name, future in self._futures.items()}
        return [done[baseline.name] for baseline in self._baselines if baseline.name in done], skipped

    def _say(self, line: str) -> None:
        self._experiment.context.notice("baseline", line)


def _skipped_notice(baseline: Baseline) -> dict[str, Any]:
    message = f"The baseline '{baseline.name}' was skipped: the time budget was spent. Raise --budget, or leave it out."
    return {"kind": "budget", "message": message, "where": ()}
