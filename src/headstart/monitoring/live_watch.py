"""Live watch: takes the batches of a stream, keeps the watch in a folder, and says how it stands in one small file, again and again.

The folder has `watch.sqlite` (batches that wait, and the monitor), `live.json` (how it stands, of aggregates alone) and, where people give labels,
`labels.db`.
"""

from __future__ import annotations

import json
import time
from collections import Counter, OrderedDict
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import numpy as np

from headstart.core.errors import DataError, StorageError
from headstart.core.strict_json import plain
from headstart.monitoring import state as kept
from headstart.monitoring.changing import next_period
from headstart.monitoring.course import Course
from headstart.monitoring.former import Former
from headstart.monitoring.label_store import LabelStore
from headstart.monitoring.seeing import see
from headstart.monitoring.shortening import N_INCIDENTS, N_NAMED, decided, most_frequent, shortened
from headstart.monitoring.telling import note_told
from headstart.monitoring.watch_batch import WatchBatch, previews_of
from headstart.storage.files import write_file

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from headstart.core.arrays import FloatArray
    from headstart.monitoring.monitor import Monitor
    from headstart.monitoring.telling import Told
    from headstart.monitoring.verdict import WatchVerdict
    from headstart.monitoring.watch_store import WatchStore
    from headstart.streaming.record import Record

LIVE_JSON, LABELS_DB = "live.json", "labels.db"
OTHERS = ""  # stands for all labels but the most frequent
_COURSE = "course.json"
_FORMAT = 1
_LEAST_S = 1.0  # between two times that it is said how things stand
_PART = 0.05  # of the time that saying it may take
_KEEP_S = 10.0  # between two times that the monitor is kept
_KEEP_BATCHES = 256  # that may wait for it
_AT_ONCE = 32  # batches between two looks at the clock
_N_PREVIEWS = 1_000


class LiveWatch:
    """Follows a stream; one thread at a time may call it.

    Parameters
    ----------
    store : of the watch, made with `is_watch`; it goes on from the state that is kept there
    name : of the model
    shows_items : whether the page may show records of alarms, not only their keys
    clock : gives seconds since 1970

    Raises
    ------
    StorageError
        What is kept there is no state of a watch.
    """

    def __init__(
        self,
        monitor: Monitor,
        store: WatchStore,
        *,
        name: str,
        shows_items: bool = False,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.monitor, self.store, self.name = monitor, store, name
        self._shows_items, self.clock = shows_items, clock
        self._previews: OrderedDict[str, str] = OrderedDict()
        files = store.kept()
        said = _before(files, store)
        self._course = Course() if not said else Course.from_dict(said["course"])
        self._label_number, self._n_waits = said.get("label_number", 0), said.get("n_waits", 0)
        self._known_number, self._period = said.get("known_number", 0), said.get("period", 0)
        self._shown: dict[str, str] = said.get("shown", {})
        self._former = Former.from_files(files, said.get("former", 0), store.folder)
        self._place = self._kept_place = 0
        self._n_kept = monitor.incidents.n
        self._named = most_frequent(monitor)
        self._started = clock()
        self._said_at, self._cost_s = -np.inf, 0.0
        self._kept_at = time.monotonic()
        if not files:
            self._keep()  # those who answer read the reference there

    # what a stream tells

    def catch_up(self) -> int:
        """Take some of the batches that wait, and tell how many; where none waits, look whether another model answers."""
        waiting = self.store.after(self._place, _AT_ONCE)
        for place, batch in waiting:
            self.take(batch)
            self._place = place
        if not waiting:
            self._follow(self.store.newest())
        return len(waiting)

    def look(
        self, records: Sequence[Record], items: Sequence[Any] | None, rows: FloatArray, *, now: float | None = None
    ) -> None:
        """Look at records of this process; `now` None takes each record's own time for when it was answered."""
        seen = see(self.monitor.reference, records, items, rows, features_of=self.monitor.features_of)
        shown = previews_of(records, items) if self._shows_items and items is not None else {}
        self.take(WatchBatch(seen=seen, at=now, previews=shown))

    def take(self, batch: WatchBatch) -> None:
        """Count a batch, for the period of the model that answered it."""
        self._follow(batch.period)
        self._n_waits += batch.n_waits
        if self._shows_items:
            self._previews |= batch.previews
            while len(self._previews) > _N_PREVIEWS:
                self._previews.popitem(last=False)
        if batch.period in (0, self._period):
            for alarm in self.monitor.take(batch.seen):
                self._shown |= {key: self._previews[key] for key in alarm.examples if key in self._previews}
        elif self._former is not None and self._former.number == batch.period:
            self._former.take(batch)
        self._count(batch)

    def _follow(self, number: int) -> None:
        """Begin the period of a model that was announced, where that is a later one."""
        if number <= self._period:
            return
        found = self.store.announced(number)
        if found is None:
            return
        if found.seal != self.monitor.seal:
            if self._former is not None:
                self._former.say(self.monitor)
            if self.monitor.n_records:
                self._former = Former(self._period, self.monitor)
            self.monitor = next_period(
                self.monitor, found.reference, version=found.version, seal=found.seal, at=self.clock()
            )
            self._named = most_frequent(self.monitor)
        self.monitor.version = found.version
        self._period = number
        self._keep()

    # what is said

    def refresh(self, *, at_once: bool = False) -> None:
        """Take labels that came, say how things stand, and keep the watch, each no oftener than it may cost."""
        now = time.monotonic()
        if self._place - self._kept_place >= _KEEP_BATCHES:
            self._keep()
        if not at_once and now - self._said_at < max(_LEAST_S, self._cost_s / _PART):
            return
        self._take_labels()
        self._take_known()
        content = json.dumps(plain(self.snapshot()), ensure_ascii=False).encode("utf-8", "replace")
        if at_once or self.monitor.incidents.n != self._n_kept or now - self._kept_at >= _KEEP_S:
            self._keep()
        write_file(self.store.folder / LIVE_JSON, content)
        self._said_at = time.monotonic()
        self._cost_s = self._said_at - now

    def snapshot(self) -> dict[str, Any]:
        """How things stand, as JSON values; its size does not grow with the stream."""
        now = self.clock()
        if self._former is not None:
            self._former.say(self.monitor)
        verdict = self.monitor.verdict(now=now)
        return {
            "format": _FORMAT,
            "name": self.name,
            "time": now,
            "started": self._started,
            "rate": self._course.rate(now),
            "n_waited": self._n_waits,
            "n_repeated": self.store.n_repeated(),
            "n_alarms": self.monitor.n_alarms,
            "n_incidents": self.monitor.incidents.n,
            "n_open": sum(one.needs_a_person for one in self.monitor.incidents.open),
            "course": self._course.to_dict(),
            "label_counts": dict(self.monitor.labelling.counts),
            "is_value": not self.monitor.reference.task_spec.has_probabilities,
            "verdict": shortened(verdict),
            "shown": self._examples(verdict),
        }

    def news(self) -> WatchVerdict | None:
        """The verdict, where there is something to tell of an incident; else None."""
        incidents = [
            *self.monitor.incidents.kept,
            *(one for period in self.monitor.periods for one in period.incidents),
        ]
        return self.monitor.verdict() if any(one.news for one in incidents) else None

    def note_told(self, told: Told) -> None:
        """Keep what was told, so that it is told once."""
        note_told(self.monitor, told)
        if self._former is not None:
            self._former.note_told(told, self.monitor)
        self._keep()

    def close(self) -> None:
        """Keep all, and let others have the folder."""
        self.refresh(at_once=True)
        self.store.close()

    def _keep(self) -> None:
        if self._former is not None:
            self._former.say(self.monitor)
        said = {
            "course": self._course.to_dict(),
            "label_number": self._label_number,
            "known_number": self._known_number,
            "shown": self._shown,
            "n_waits": self._n_waits,
            "period": self._period,
            "former": 0 if self._former is None else self._former.number,
        }
        files = {**kept.to_files(self.monitor), _COURSE: json.dumps(plain(said)).encode()}
        self.store.keep(files | (self._former.files() if self._former is not None else {}), self._place)
        self._kept_at, self._kept_place, self._n_kept = time.monotonic(), self._place, self.monitor.incidents.n

    def _take_labels(self) -> None:
        path = self.store.folder / LABELS_DB
        if not path.is_file():
            return
        with LabelStore(path) as store:
            came = store.after(self._label_number)
        for number, key, label in came:
            with suppress(DataError):  # of another kind of model: the file may be given to any
                if self._former is not None and self._former.waits_for(key, self.monitor):
                    self._former.label(key, label)
                else:
                    self.monitor.label([key], [label])
            self._label_number = number

    def _take_known(self) -> None:
        for number, words in self.store.acknowledged(self._known_number):
            self.monitor.incidents.know(words)
            self._known_number = number

    def _count(self, batch: WatchBatch) -> None:
        seen = batch.seen
        labels = [
            [one if one in self._named else OTHERS for one in names]
            for names in decided(self._monitor_of(batch), seen.outputs)
        ]
        if batch.at is not None:
            self._course.answered(batch.at, Counter(one for names in labels for one in names))
            n_records = len(seen.values) + batch.n_dead
            self._course.written(batch.at, n_records=n_records, n_dead=batch.n_dead, latencies_s=batch.latencies_s)
            return
        for time_s, names in zip(seen.times, labels, strict=True):
            at = time_s or self.clock()
            self._course.answered(at, Counter(names))
            self._course.written(at, n_records=1)

    def _monitor_of(self, batch: WatchBatch) -> Monitor:
        is_former = self._former is not None and self._former.number == batch.period != self._period
        return self._former.monitor if is_former and self._former is not None else self.monitor

    def _examples(self, verdict: WatchVerdict) -> dict[str, str]:
        """The records of the last incidents, by key."""
        named = [other.alarm for one in verdict.incidents[-N_INCIDENTS:] for other in one.named[:N_NAMED]]
        keys = {key for alarm in named for key in alarm.examples}
        self._shown = {key: text for key, text in self._shown.items() if key in keys}
        return self._shown


def _before(files: Mapping[str, bytes], store: WatchStore) -> dict[str, Any]:
    """What was kept of an earlier run, beside the monitor."""
    if not files:
        return {}
    try:
        said: dict[str, Any] = json.loads(files[_COURSE])
        Course.from_dict(said["course"])
        return {
            **said,
            "label_number": int(said["label_number"]),
            "shown": dict(said["shown"]),
            "n_waits": int(said["n_waits"]),
        }
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise StorageError(
            f"the watch in '{store.folder}' cannot be read ({type(error).__name__}). Name another folder."
        ) from error
