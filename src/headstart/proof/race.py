"""Race: every rival performs; those that keep to one thread train beside everything else."""

from __future__ import annotations

import io
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Self

from headstart.engines.threads import core
from headstart.proof.contest import Performance, RivalContestant, perform

if TYPE_CHECKING:
    from concurrent.futures import Future
    from types import TracebackType

    from headstart.engines.clock import Clock
    from headstart.proof.contest import Arena
    from headstart.proof.rival import Rival


class Race:
    """The rivals of one proof, as a context: rivals of one thread start at its beginning, the others in `finish`.

    Under a time budget nothing runs beside anything else, so that what a rival costs is known before the next begins.

    Parameters
    ----------
    rivals : cheapest first
    clock : rivals that no longer fit in its budget are left out, and named
    """

    def __init__(self, rivals: tuple[Rival, ...], arena: Arena, clock: Clock) -> None:
        self._rivals, self._arena, self._clock = rivals, arena, clock
        self._beside: dict[str, Future[Performance]] = {}
        self._sink = io.StringIO()  # silent, and closed to stop the work

    def __enter__(self) -> Self:
        rivals = [rival for rival in self._rivals if rival.single_threaded and self._clock.left_s is None]
        if rivals:
            self._pool = ThreadPoolExecutor(1, thread_name_prefix="rival")
            quiet = replace(self._arena, progress=self._sink)
            for rival in rivals:
                self._say(f"proving against {rival.name}, on one core beside the rest")
                self._beside[rival.name] = self._pool.submit(_perform_on_a_core, rival, quiet)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._sink.close()
        if self._beside:
            self._pool.shutdown(cancel_futures=True)

    def finish(self) -> tuple[list[Performance], list[dict[str, Any]]]:
        """Run the other rivals and wait for all: performances in the order of the rivals, and notices of those left out."""
        done: dict[str, Performance] = {}
        skipped: list[dict[str, Any]] = []
        spent_s = 0.0  # on the rival before
        for rival in self._rivals:
            if rival.name in self._beside:
                continue
            left = self._clock.left_s
            if left is not None and (left <= 0 or left < spent_s):  # the next costs at least as much
                skipped.append(_left_out(rival))
                continue
            self._say(f"proving against {rival.name}")
            done[rival.name] = perform(RivalContestant(rival), self._arena)
            spent_s = done[rival.name].seconds
        done |= {name: future.result() for name, future in self._beside.items()}
        return [done[rival.name] for rival in self._rivals if rival.name in done], skipped

    def _say(self, line: str) -> None:
        if self._arena.progress is not None:
            self._arena.progress.write(f"{line}\n")


def _perform_on_a_core(rival: Rival, arena: Arena) -> Performance:
    with core():
        return perform(RivalContestant(rival), arena)


def _left_out(rival: Rival) -> dict[str, Any]:
    message = f"The rival '{rival.name}' was left out: the time budget was spent. Give --budget more, or none."
    return {"kind": "budget", "message": message, "where": ()}
