"""Telling: what is new of incidents goes once to those who are to know."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from headstart.core.errors import OptionError
from headstart.monitoring import state as kept
from headstart.monitoring.notifying import post, write_mail
from headstart.monitoring.watch_store import DATABASE, WatchStore

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from headstart.monitoring.incident import Incident, Phase
    from headstart.monitoring.monitor import Monitor
    from headstart.monitoring.verdict import WatchVerdict

Told = dict[tuple[float | None, int], tuple["Phase", ...]]
"""Phases by the end of their period, None of the one that goes on, and the number of the incident."""


@dataclass(frozen=True, kw_only=True)
class Teller:
    """Tells of incidents: when one opens, when errors rise too, and when it is over; what came together is one message.

    Attributes
    ----------
    webhook : URL; None for none
    mail : folder for .eml files; None for none
    """

    webhook: str | None = None
    mail: Path | None = None

    def tell(self, verdict: WatchVerdict, name: str, *, keep: Callable[[Told], None]) -> None:
        """Tell what is new; without an incident, that records are broken.

        Parameters
        ----------
        keep : is told what was told, after each message

        Raises
        ------
        ServiceError, StorageError
            A message did not arrive; it is still new.
        """
        periods = [(one.ended, one.incidents) for one in verdict.periods]
        for ended, incidents in (*periods, (None, verdict.incidents)):
            for one in incidents:
                if one.news:
                    self._send(verdict, name, one)
                    keep({(ended, one.number): one.news})
        if verdict.status == "broken":
            self._send(verdict, name, None)

    def _send(self, verdict: WatchVerdict, name: str, incident: Incident | None) -> None:
        if self.mail is not None:
            write_mail(verdict, name, self.mail, incident)
        if self.webhook is not None:
            post(verdict, name, self.webhook, incident)


def keep_told(folder: Path | None, told: Told) -> None:
    """Note in a folder that keeps a watch what was told; None keeps none."""
    if folder is None:
        return
    monitor = kept.load(folder)
    note_told(monitor, told)
    kept.save(monitor, folder)


def note_told(monitor: Monitor, told: Told) -> None:
    """Note in a monitor what was told."""
    monitor.incidents.told({number: phases for (ended, number), phases in told.items() if ended is None})
    for place, period in enumerate(monitor.periods):
        mine = {number: phases for (ended, number), phases in told.items() if ended == period.ended}
        if mine:
            incidents = tuple(one.told_of(mine.get(one.number, ())) for one in period.incidents)
            monitor.periods[place] = replace(period, incidents=incidents)


def acknowledge(folder: Path, words: str) -> None:
    """Note in a folder that keeps a watch that a person knows of the incidents that are open.

    Raises
    ------
    OptionError
        None is open there.
    StorageError
        No watch is kept there.
    """
    if not (folder / DATABASE).is_file():
        monitor = kept.load(folder)
        _know(monitor, words, folder)
        kept.save(monitor, folder)
        return
    with closing(WatchStore(folder)) as store:
        _know(kept.from_files(store.kept(), folder), words, folder)
        store.acknowledge(words)


def _know(monitor: Monitor, words: str, folder: Path) -> None:
    if not monitor.incidents.know(words):
        raise OptionError(f"no incident is open in {folder} of which nobody knows yet.")
