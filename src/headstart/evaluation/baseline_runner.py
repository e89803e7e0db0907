"""BaselineRunner: fit and score every baseline; single-threaded ones train beside everything else."""

from __future__ import annotations

import io
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Self

from headstart.engines.threads import core
from headstart.evaluation.experiment import BaselineEvaluand, HeldOutPredictions, predict_held_out

if TYPE_CHECKING:
    from concurrent.futures import Future
    from types import TracebackType

    from headstart.engines.clock import Clock
    from headstart.evaluation.baseline import Baseline
    from headstart.evaluation.experiment import Experiment


class BaselineRunner:
    """Context that runs the baselines of one evaluation: single-threaded ones start on entry, the others in `finish`.

    With a time budget nothing runs concurrently, so that the cost of a baseline is known before the next one starts.

    Parameters
    ----------
    baselines : cheapest first
    clock : baselines that no longer fit in its budget are skipped, with a notice
    """

    def __init__(self, baselines: tuple[Baseline, ...], experiment: Experiment, clock: Clock) -> None:
        self._baselines, self._experiment, self._clock = baselines, experiment, clock
        self._futures: dict[str, Future[HeldOutPredictions]] = {}
        self._stream = io.StringIO()  # silent, and closed to stop the work

    def __enter__(self) -> Self:
        baselines = [
            baseline for baseline in self._baselines if baseline.single_threaded and self._clock.left_s is None
        ]
        if baselines:
            self._pool = ThreadPoolExecutor(1, thread_name_prefix="baseline")
            quiet = replace(self._experiment, progress=self._stream)
            for baseline in baselines:
                self._say(f"fitting the baseline {baseline.name} on one core, beside the rest")
                self._futures[baseline.name] = self._pool.submit(_predict_on_one_core, baseline, quiet)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stream.close()
        if self._futures:
            self._pool.shutdown(cancel_futures=True)

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
        if self._experiment.progress is not None:
            self._experiment.progress.write(f"{line}\n")


def _predict_on_one_core(baseline: Baseline, experiment: Experiment) -> HeldOutPredictions:
    with core():
        return predict_held_out(BaselineEvaluand(baseline), experiment)


def _skipped_notice(baseline: Baseline) -> dict[str, Any]:
    message = f"The baseline '{baseline.name}' was skipped: the time budget was spent. Raise --budget, or leave it out."
    return {"kind": "budget", "message": message, "where": ()}
