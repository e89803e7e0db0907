"""How the versions of a registry stand, for the live page of a watch."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from headstart.core.errors import UserError
from headstart.monitoring.contest import Compared, Contest, Step
from headstart.packaging.registries.address import is_remote
from headstart.packaging.registries.folder import DATABASE
from headstart.packaging.registries.opening import reading_errors
from headstart.updating.comparison import CHALLENGE, GUARD
from headstart.updating.opening import look_into
from headstart.updating.registry import PROMOTION, ROLLBACK

if TYPE_CHECKING:
    from headstart.packaging.registries.log import LogEntry
    from headstart.updating.comparison import Comparison

_N_STEPS = 8
_LOOK_S = 2.0
_CROWNED = ("created", f"{PROMOTION} done", f"{ROLLBACK} done")
_SENTENCES = {
    "created": "The registry was made, with version {champion} as its champion.",
    f"{PROMOTION} done": "Version {to} was promoted in the place of version {from}: {why}.",
    f"{ROLLBACK} done": "Version {to} was put back in the place of version {from}: {why}.",
    f"{PROMOTION} taken back": "A promotion of version {to} was interrupted; version {stays} stayed the champion.",
    f"{ROLLBACK} taken back": "A rollback to version {to} was interrupted; version {stays} stayed the champion.",
    "challenge": "Version {version} became the challenger.",
    "given up": "Version {version} was given up: {why}.",
    "approval asked": "A person was asked to promote version {version}: {why}.",
    "guard ended": "The former champion is compared no more: {why}.",
}


class ContestFeed:
    """Gives the contest of a registry whenever it is asked; it is read again only where something changed.

    Parameters
    ----------
    registry : its folder or its address; another process may be changing it
    """

    def __init__(self, registry: str | Path) -> None:
        self._registry = registry
        self._seen: int | None = None
        self._contest = Contest()

    def __call__(self) -> Contest:
        """How things stand; where that cannot be read, as they stood before, with the reason."""
        try:
            written = self._written()
            if written != self._seen:
                self._contest, self._seen = contest_of(self._registry), written
        except (UserError, OSError) as error:
            self._contest, self._seen = replace(self._contest, problem=str(error)), None
        return self._contest

    def _written(self) -> int:
        """What is another number once something was written; elsewhere, every few seconds."""
        if is_remote(self._registry):
            return int(time.monotonic() / _LOOK_S)
        return (Path(self._registry) / DATABASE).stat().st_mtime_ns


def contest_of(registry: str | Path) -> Contest:
    """Say how the versions of a registry stand.

    Raises
    ------
    OptionError, ServiceError, StorageError, BundleError
        It cannot be read.
    """
    with look_into(registry) as store, reading_errors(store.shown):
        history, champion = store.history(), store.champion
        challenge, guard = store.comparison(CHALLENGE), store.comparison(GUARD)
    crowned = [one for one in history if one.step in _CROWNED]
    steps = [_step(one) for one in history if one.step in _SENTENCES]
    return Contest(
        champion=str(champion),
        since=_seconds(crowned[-1]) if crowned else None,
        decision=_decision(challenge, guard),
        compared=tuple(_compared(one) for one in (challenge, guard) if one is not None),
        steps=tuple(reversed(steps[-_N_STEPS:])),
    )


def _decision(challenge: Comparison | None, guard: Comparison | None) -> str:
    if challenge is not None and challenge.bet.is_shown:
        return f"Version {challenge.second} is shown to be better. It is promoted by the next update, or when a person agrees (--promote)."
    if challenge is not None:
        return f"Not decided yet: version {challenge.second} is judged further on the next labeled records."
    if guard is not None and guard.bet.is_shown:
        return f"Version {guard.second}, the former champion, is shown to be better. The next update puts it back."
    if guard is not None:
        return f"No challenger. Version {guard.second}, the former champion, is still compared, and comes back if it is shown to be better."
    return "No version is compared with it now."


def _compared(one: Comparison) -> Compared:
    low, high = one.bet.interval
    said = one.figures()
    return Compared(
        version=str(one.second),
        role="challenger" if one.kind == CHALLENGE else "former champion",
        n=said["n"],
        limit=one.limit,
        gain=said["mean_gain"],
        low=low,
        high=high,
        evidence=said["evidence"],
        needed=said["needed"],
    )


def _step(entry: LogEntry) -> Step:
    detail: dict[str, Any] = entry.detail
    return Step(time=_seconds(entry), sentence=_SENTENCES[entry.step].format(**detail))


def _seconds(entry: LogEntry) -> float:
    return datetime.fromisoformat(entry.at).timestamp()
