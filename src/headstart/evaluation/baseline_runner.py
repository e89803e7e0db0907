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
        self._futures: dict[str, Future[HeldOutPredictions | None]] = {}
        self._done: dict[str, HeldOutPredictions] = {}

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

    def run_simple(self) -> None:
        """Run those that take seconds, whatever the budget: without them nothing would be proven."""
        for baseline in self._baselines:
            if baseline.cost == "simple" and baseline.name not in self._futures:
                self._run(baseline)

    def finish(self, *, reserved_s: float = 0.0) -> tuple[list[HeldOutPredictions], list[dict[str, Any]]]:
        """Run the other baselines and wait for all: predictions in the order of the baselines, and notices on skipped ones.

        Parameters
        ----------
        reserved_s : of the budget, for what follows
        """
        skipped: list[dict[str, Any]] = []
        spent_s = max((one.seconds for one in self._done.values()), default=0.0)
        for baseline in self._baselines:
            if baseline.name in self._futures or baseline.name in self._done:
                continue
            left = None if self._clock.left_s is None else self._clock.left_s - reserved_s
            # what is no simple one costs as much as the costliest of those; asking it takes time itself, so it is asked last
            is_late = left is not None and (left <= spent_s or left <= self._expected_s(baseline))
            if is_late or not self._run(baseline, left_s=left):
                skipped.append(_skipped_notice(baseline))
            elif left is not None:
                spent_s = max(spent_s, self._done[baseline.name].seconds)
        results = {name: future.result() for name, future in self._futures.items()}
        self._done |= {name: one for name, one in results.items() if one is not None}
        return self.predictions(), skipped

    def predictions(self) -> list[HeldOutPredictions]:
        """Those of the baselines that have run, in their order."""
        return [self._done[baseline.name] for baseline in self._baselines if baseline.name in self._done]

    def _expected_s(self, baseline: Baseline) -> float:
        """What a baseline says of its own time; 0 if it says nothing."""
        expected_s = getattr(baseline, "expected_s", None)
        return 0.0 if expected_s is None else float(expected_s(self._experiment.dataset))

    def _run(self, baseline: Baseline, *, left_s: float | None = None) -> bool:
        """Run a baseline; False if after a fold the others would take longer than what is left."""
        self._say(f"fitting the baseline {baseline.name}")
        found = predict_held_out(BaselineEvaluand(baseline), self._experiment, budget_s=left_s)
        if found is not None:
            self._done[baseline.name] = found
        return found is not None

    def _say(self, line: str) -> None:
        self._experiment.context.notice("baseline", line)


def _skipped_notice(baseline: Baseline) -> dict[str, Any]:
    message = f"The baseline '{baseline.name}' was skipped: the time budget was spent. Raise --budget, or leave it out."
    return {"kind": "budget", "message": message, "where": ()}
