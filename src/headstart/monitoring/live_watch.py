"""Live watch: looks on at a stream, keeps the watch in a folder, and says how it stands in one small file, again and again.

The folder has `state/` (the monitor), `live.json` (how it stands, of aggregates alone) and, where people give labels, `labels.db`.
"""

from __future__ import annotations

import json
import threading
import time
from collections import Counter, OrderedDict
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from headstart.core.errors import DataError, StorageError, UserError
from headstart.core.strict_json import plain
from headstart.monitoring import state as kept
from headstart.monitoring.course import Course
from headstart.monitoring.label_store import LabelStore
from headstart.storage.files import write_file

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from headstart.core.arrays import FloatArray
    from headstart.monitoring.monitor import Monitor
    from headstart.monitoring.verdict import WatchVerdict
    from headstart.streaming.record import Record

LIVE_JSON, STATE, LABELS_DB = "live.json", "state", "labels.db"
OTHERS = ""  # stands for all labels but the most frequent
_FORMAT = 1
_LEAST_S = 1.0  # between two times that it is said how things stand
_PART = 0.05  # of the time that saying it may take
_KEEP_S = 10.0  # between two times that the monitor is kept
_N_ALARMS, _N_CHANGES, _N_LABELS = 8, 12, 8
_N_PREVIEWS, _MAX_LETTERS = 1_000, 240


@dataclass(frozen=True, kw_only=True)
class Contest:
    """A challenger beside the champion, on the same live records.

    Attributes
    ----------
    gain : how much lower the challenger's mean loss is
    evidence, needed : of the test that decides
    """

    champion: str
    challenger: str
    n: int
    gain: float
    evidence: float
    needed: float


class LiveWatch:
    """An observer and a meter of a stream; both may be called from several threads.

    Parameters
    ----------
    name : of the model
    folder : of the watch; it goes on from what lies there
    shows_items : whether the page may show records of alarms, not only their keys
    contest : asked how challenger and champion stand; None where there is none
    clock : gives seconds since 1970
    """

    def __init__(
        self,
        monitor: Monitor,
        folder: Path,
        *,
        name: str,
        shows_items: bool = False,
        contest: Callable[[], Contest | None] | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.monitor, self.folder, self.name = monitor, folder, name
        self._shows_items, self._contest, self._clock = shows_items, contest, clock
        self._lock = threading.RLock()
        self._previews: OrderedDict[str, str] = OrderedDict()
        self._course, self._label_number, self._shown = _before(folder)
        self._named = _most_frequent(monitor)
        self._started = clock()
        self._said_at = self._kept_at = -np.inf
        self._cost_s = 0.0
        self._n_waited = 0

    # what a stream tells

    def observe(self, records: Sequence[Record], items: Sequence[Any], rows: FloatArray) -> None:
        """Look at a batch that was written."""
        self.look(records, items, rows, now=self._clock())
        self.refresh()

    def look(
        self, records: Sequence[Record], items: Sequence[Any] | None, rows: FloatArray, *, now: float | None = None
    ) -> None:
        """Look at records; `now` None takes each record's own time for when it was answered."""
        with self._lock:
            if self._shows_items and items is not None:
                self._preview(records, items)
            alarms = self.monitor.observe(records, items, rows)
            for alarm in alarms:
                self._shown |= {key: self._previews[key] for key in alarm.examples if key in self._previews}
            self._count(records, rows, now)

    def written(self, *, n_records: int, n_dead: int, latencies_s: Sequence[float]) -> None:
        """Count a batch."""
        with self._lock:
            self._course.written(self._clock(), n_records=n_records, n_dead=n_dead, latencies_s=latencies_s)

    def waited(self, place: str) -> None:  # noqa: ARG002  which place it was is in the log
        """Count that a place was away."""
        self._n_waited += 1

    # what is said

    def refresh(self, *, at_once: bool = False) -> None:
        """Take labels that came, say how things stand, and keep the monitor, each no oftener than it may cost."""
        now = time.monotonic()
        if not at_once and now - self._said_at < max(_LEAST_S, self._cost_s / _PART):
            return
        with self._lock:
            self._take_labels()
            content = json.dumps(plain(self.snapshot()), ensure_ascii=False).encode("utf-8", "replace")
            self.folder.mkdir(parents=True, exist_ok=True)
            if at_once or now - self._kept_at >= _KEEP_S:
                kept.save(self.monitor, self.folder / STATE)
                self._kept_at = now
            write_file(self.folder / LIVE_JSON, content)
        self._said_at = time.monotonic()
        self._cost_s = self._said_at - now

    def snapshot(self) -> dict[str, Any]:
        """How things stand, as JSON values; its size does not grow with the stream."""
        now = self._clock()
        verdict = self.monitor.verdict(now=now)
        contest = None if self._contest is None else self._contest()
        return {
            "format": _FORMAT,
            "name": self.name,
            "time": now,
            "started": self._started,
            "rate": self._course.rate(now),
            "n_waited": self._n_waited,
            "n_alarms": self.monitor.n_alarms,
            "course": self._course.to_dict(),
            "label_number": self._label_number,
            "label_counts": dict(self.monitor.labelling.counts),
            "is_value": not self.monitor.reference.task_spec.has_probabilities,
            "contest": None if contest is None else asdict(contest),
            "verdict": _short(verdict),
            "shown": self._examples(verdict),
        }

    def close(self) -> None:
        """Keep all."""
        self.refresh(at_once=True)

    def _take_labels(self) -> None:
        path = self.folder / LABELS_DB
        if not path.is_file():
            return
        with LabelStore(path) as store:
            came = store.after(self._label_number)
        for number, key, label in came:
            with suppress(DataError):  # of another kind of model: the file may be given to any
                self.monitor.label([key], [label])
            self._label_number = number

    def _count(self, records: Sequence[Record], rows: FloatArray, now: float | None) -> None:
        labels = [[one if one in self._named else OTHERS for one in names] for names in decided(self.monitor, rows)]
        if now is not None:
            self._course.answered(now, Counter(one for names in labels for one in names))
            return
        for record, names in zip(records, labels, strict=True):
            at = record.time or self._clock()
            self._course.answered(at, Counter(names))
            self._course.written(at, n_records=1)

    def _preview(self, records: Sequence[Record], items: Sequence[Any]) -> None:
        for record, item in zip(records, items, strict=True):
            self._previews[record.key] = preview(item)
        while len(self._previews) > _N_PREVIEWS:
            self._previews.popitem(last=False)

    def _examples(self, verdict: WatchVerdict) -> dict[str, str]:
        """The records of the last alarms, by key."""
        keys = {key for alarm in verdict.alarms[-_N_ALARMS:] for key in alarm.examples}
        self._shown = {key: text for key, text in self._shown.items() if key in keys}
        return self._shown


def decided(monitor: Monitor, rows: FloatArray) -> list[list[str]]:
    """The labels that each row decides on; none of a value, or where there is no answer."""
    reference = monitor.reference
    task = reference.task_spec
    if not task.has_probabilities or not len(rows):
        return [[] for _ in rows]
    known = np.nan_to_num(np.asarray(rows, np.float64))
    found = np.asarray(task.indicators(task.weigh(known, reference.decision_weights)), bool)
    is_answered = np.isfinite(np.asarray(rows)).all(axis=1, keepdims=True)
    found &= is_answered
    return [[reference.labels[i] for i in np.flatnonzero(row)] for row in found]


def _most_frequent(monitor: Monitor) -> set[str]:
    """The labels that are counted by name."""
    reference = monitor.reference
    if len(reference.answers) != len(reference.labels):
        return set(reference.labels[:_N_LABELS])
    return {reference.labels[i] for i in np.argsort(-reference.answers, kind="stable")[:_N_LABELS]}


def preview(item: Any) -> str:
    """An item in a few words.

    >>> preview({"age": 3.25, "job": "pilot"})
    'age: 3.25, job: pilot'
    """
    if isinstance(item, UserError):
        return str(item)[:_MAX_LETTERS]
    if isinstance(item, dict):
        return ", ".join(f"{name}: {preview(value)}" for name, value in item.items())[:_MAX_LETTERS]
    if isinstance(item, float):
        return f"{item:.6g}"
    return str(item)[:_MAX_LETTERS] if isinstance(item, str | int) else "a photo"


def _short(verdict: WatchVerdict) -> dict[str, Any]:
    """The verdict with what a page has room for."""
    said = verdict.to_dict()
    said["n_changes"] = len(verdict.changes)
    said["alarms"] = said["alarms"][-_N_ALARMS:]
    said["changes"] = said["changes"][:_N_CHANGES]
    for name in ("label_shares", "black_box_shares", "answers"):
        ordered = sorted(said[name].items(), key=lambda one: -one[1]["value"])
        said[name] = dict(ordered[:_N_LABELS])
    return said


def _before(folder: Path) -> tuple[Course, int, dict[str, str]]:
    """What the folder holds of an earlier run."""
    path = folder / LIVE_JSON
    if not path.is_file():
        return Course(), 0, {}
    try:
        said = json.loads(path.read_text("utf-8"))
        return Course.from_dict(said["course"]), int(said["label_number"]), dict(said["shown"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise StorageError(
            f"'{path}' is not what a watch wrote ({type(error).__name__}). Remove it, or name another folder."
        ) from error
