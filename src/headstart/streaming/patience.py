"""Patience: waits that grow while a place is away, until it has been away too long."""

from __future__ import annotations

import asyncio
import random
import time
from contextlib import suppress
from typing import TYPE_CHECKING

from headstart.core.errors import ServiceError

if TYPE_CHECKING:
    from collections.abc import Callable

    from headstart.core.errors import UserError

_FIRST_S, _LONGEST_S = 0.1, 5.0
_LEAVING_S = 5.0  # how long a place that is away is waited for when the stream is told to end


class Patience:
    """Waits between tries of one place.

    Parameters
    ----------
    give_up_s : how long it may be away
    stop : set when the stream is told to end
    tell : is told what is wrong and how long it waits, once for each wait
    waited : is called at each wait
    """

    def __init__(
        self, *, give_up_s: float, stop: asyncio.Event, tell: Callable[[str], None], waited: Callable[[], None]
    ) -> None:
        self._give_up_s = give_up_s
        self._stop = stop
        self._tell = tell
        self._waited = waited
        self._since: float | None = None
        self._wait_s = _FIRST_S

    def succeeded(self) -> None:
        """It answers: the next waits begin anew."""
        if self._since is not None:
            self._tell(f"it answers again, after {time.monotonic() - self._since:.1f} s")
        self._since, self._wait_s = None, _FIRST_S

    async def wait(self, error: UserError) -> None:
        """Wait before the next try.

        Raises
        ------
        ServiceError
            It has been away too long.
        """
        self._waited()
        now = time.monotonic()
        self._since = self._since or now
        away_s = now - self._since
        limit_s = min(self._give_up_s, _LEAVING_S) if self._stop.is_set() else self._give_up_s
        if away_s >= limit_s:
            raise ServiceError(
                f"{_sentence(error)} It was tried for {away_s:.0f} s; nothing is lost: run the same command again when it answers."
            ) from error
        wait_s = min(self._wait_s * random.uniform(0.8, 1.2), max(limit_s - away_s, 0.01))  # noqa: S311  no secret
        self._wait_s = min(2 * self._wait_s, _LONGEST_S)
        self._tell(f"{_sentence(error)} Trying again in {wait_s:.1f} s")
        if self._stop.is_set():
            await asyncio.sleep(wait_s)
            return
        with suppress(TimeoutError):
            await asyncio.wait_for(self._stop.wait(), wait_s)


def _sentence(error: UserError) -> str:
    said = str(error).rstrip(".")
    return said if said.endswith("?") else f"{said}."
