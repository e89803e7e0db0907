"""Race: every baseline performs; those that keep to one thread train beside everything else."""

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
    """The baselines of one proof, as a context: baselines of one thread start at its beginning, the others in `finish`.

    Under a time budget nothing runs beside anything else, so that what a baseline costs is known before the next begins.

    Parameters
    ----------
    baselines : cheapest first
    clock : baselines that no longer fit in its budget are left out, and named
    """

    def __init__(self, baselines: tuple[Baseline, ...], experiment: Experiment, clock: Clock) -> None:
        self._baselines, self._arena, self._clock = baselines, experiment, clock
        self._beside: dict[str, Future[HeldOutPredictions]] = {}
        self._stream = io.StringIO()  # silent, and closed to stop the work

    def __enter__(self) -> Self:
        baselines = [
            baseline for baseline in self._baselines if baseline.single_threaded and self._clock.left_s is None
        ]
        if baselines:
            self._pool = ThreadPoolExecutor(1, thread_name_prefix="baseline")
            quiet = replace(self._arena, progress=self._stream)
            for baseline in baselines:
                self._say(f"proving against {baseline.name}, on one core beside the rest")
                self._beside[baseline.name] = self._pool.submit(_predict_on_one_core, baseline, quiet)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stream.close()
        if self._beside:
            self._pool.shutdown(cancel_futures=True)

    def finish(self) -> tuple[list[HeldOutPredictions], list[dict[str, Any]]]:
        """Run the other baselines and wait for all: performances in the order of the baselines, and notices of those left out."""
        done: dict[str, HeldOutPredictions] = {}
        skipped: list[dict[str, Any]] = []
        spent_s = 0.0  # on the baseline before
        for baseline in self._baselines:
            if baseline.name in self._beside:
                continue
            left = self._clock.left_s
            if left is not None and (left <= 0 or left < spent_s):  # the next costs at least as much
                skipped.append(_left_out(baseline))
                continue
            self._say(f"proving against {baseline.name}")
            done[baseline.name] = predict_held_out(BaselineEvaluand(baseline), self._arena)
            spent_s = done[baseline.name].seconds
        done |= {name: future.result() for name, future in self._beside.items()}
        return [done[baseline.name] for baseline in self._baselines if baseline.name in done], skipped

    def _say(self, line: str) -> None:
        if self._arena.progress is not None:
            self._arena.progress.write(f"{line}\n")


def _predict_on_one_core(baseline: Baseline, experiment: Experiment) -> HeldOutPredictions:
    with core():
        return predict_held_out(BaselineEvaluand(baseline), experiment)


def _left_out(baseline: Baseline) -> dict[str, Any]:
    message = f"The baseline '{baseline.name}' was left out: the time budget was spent. Give --budget more, or none."
    return {"kind": "budget", "message": message, "where": ()}
