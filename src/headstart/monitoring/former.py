"""Former: the monitor of the model that answered before. Batches that it answered may come late, and labels do for long."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from headstart.monitoring import state as kept
from headstart.monitoring.changing import close_period, period_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from headstart.monitoring.monitor import Monitor
    from headstart.monitoring.telling import Told
    from headstart.monitoring.watch_batch import WatchBatch

_PREFIX = "former/"


class Former:
    """The period before the one that goes on; what comes of it is counted there, and opens nothing.

    Parameters
    ----------
    number : of its model, in the order in which they were announced
    """

    def __init__(self, number: int, monitor: Monitor) -> None:
        self.number, self.monitor = number, monitor
        self._has_news = False

    @classmethod
    def from_files(cls, files: Mapping[str, bytes], number: int, where: object) -> Former | None:
        """Inverse of `files`; None where there was none."""
        mine = {name.removeprefix(_PREFIX): one for name, one in files.items() if name.startswith(_PREFIX)}
        return cls(number, kept.from_files(mine, where)) if mine else None

    def files(self) -> dict[str, bytes]:
        """The state, as files by name."""
        return {f"{_PREFIX}{name}": one for name, one in kept.to_files(self.monitor).items()}

    def take(self, batch: WatchBatch) -> None:
        """Count a batch that this model answered."""
        self.monitor.take(batch.seen)
        self._has_news = True

    def waits_for(self, key: str, now: Monitor) -> bool:
        """Whether a label is of an answer of this model."""
        return key in self.monitor.labelling.waiting and key not in now.labelling.waiting

    def label(self, key: str, label: Any) -> None:
        """Count a label of an answer of this model."""
        self.monitor.label([key], [label])
        self._has_news = True

    def note_told(self, told: Told, now: Monitor) -> None:
        """Keep what was told of this period."""
        ended = now.periods[-1].ended if now.periods else None
        self.monitor.incidents.told({number: phases for (at, number), phases in told.items() if at == ended})

    def say(self, now: Monitor) -> None:
        """Let the monitor of the period that goes on keep how this one stands, where more came."""
        if not self._has_news:
            return
        self._has_news = False
        mine = now.periods[-1]
        close_period(self.monitor, now.version, at=mine.ended)
        now.periods[-1] = period_of(self.monitor, mine.ended)
