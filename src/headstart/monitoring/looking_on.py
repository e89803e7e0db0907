"""Looking on: a live watch, and a log of answers, of a stream or of a server's log."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from headstart.core.errors import OptionError, ServiceError, StorageError, UserError
from headstart.engines.context import RunContext
from headstart.monitoring import state as kept
from headstart.monitoring.answer_log import log_files, read_file, read_log
from headstart.monitoring.budget import FalseAlarms
from headstart.monitoring.changing import version_of
from headstart.monitoring.herald import Herald
from headstart.monitoring.live_watch import LiveWatch
from headstart.monitoring.model_reference import features_of, reference_of_bundle, reference_of_data
from headstart.monitoring.watch_store import WatchStore
from headstart.monitoring.watching import DEFAULT_BUDGET, check_goes_on, is_another, new_monitor
from headstart.packaging import load_bundle
from headstart.packaging.opening import seal_of
from headstart.serving.prediction_log import PredictionLog
from headstart.serving.repository import find_model_versions
from headstart.storage.files import check_folder, storage_errors
from headstart.streaming.recorders import RecorderSettings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from headstart.monitoring.telling import Teller
    from headstart.monitoring.verdict import WatchVerdict
    from headstart.packaging import Bundle
    from headstart.streaming.answers import Answers
    from headstart.streaming.loop import AnswersObserver
    from headstart.streaming.record import Record

_BATCH = 512
_LOOK_S = 1.0
_TURN_S = 0.1
_OPENER = "headstart.monitoring.watch_recorder:open_recorder"


@dataclass(frozen=True, kw_only=True)
class LookingOn:
    """What `stream(observers=…, recorders=…)` takes; after it, what was found."""

    observers: list[AnswersObserver] = field(default_factory=list)
    recorders: list[RecorderSettings] = field(default_factory=list)
    watches: list[LiveWatch] = field(default_factory=list)

    def verdict(self) -> WatchVerdict | None:
        """What the watch found, once all of it was looked at; None where nothing is watched."""
        return self.watches[0].monitor.verdict() if self.watches else None


@contextmanager
def looking_on(
    bundle: str | Path,
    *,
    watch: Path | None = None,
    prediction_log: Path | None = None,
    log_items: bool = False,
    false_alarms: str = DEFAULT_BUDGET,
    rate: str | None = None,
    reference: Any = None,
    teller: Teller | None = None,
    complain: Callable[[str], None] = lambda message: None,  # noqa: ARG005
    **loading: Any,
) -> Iterator[LookingOn]:
    """Open what looks on at a stream of a bundle, and keep all of it at the end.

    Parameters
    ----------
    bundle : as `stream` takes it; it is opened a second time, for its features
    watch : folder of a live watch, which goes on from what lies there
    prediction_log : folder for Parquet files of what was answered
    log_items : whether items are written to the log, and shown beside alarms
    false_alarms, rate, reference : as for `headstart.watch`
    teller : tells of incidents while the stream goes on; `complain` is told of a message that did not arrive
    loading : `trust` and `trust_graphs`, as for `load_bundle`

    Raises
    ------
    OptionError
        Items are to be kept, and no place for them is named; or a folder is a file.
    StorageError
        A folder cannot be written, or holds something else.
    """
    if teller is not None and watch is None:
        raise OptionError(
            "--webhook and --mail tell of what a watch finds. Give --watch FOLDER too, or leave them out."
        )
    if log_items and watch is None and prediction_log is None:
        raise OptionError("--log-items needs a place for the items. Give --prediction-log FOLDER or --watch FOLDER.")
    for place, purpose in ((watch, "watch"), (prediction_log, "prediction log")):
        if place is not None:
            check_folder(place, purpose)
    found = LookingOn()
    if watch is None and prediction_log is None:
        yield found
        return
    version = find_model_versions([str(bundle)])[0]
    model = load_bundle(version.folder, **loading)
    with ExitStack() as stack:
        if prediction_log is not None:
            with storage_errors(prediction_log):
                prediction_log.mkdir(parents=True, exist_ok=True)
            log = PredictionLog(prediction_log, 1.0, items=log_items)
            stack.callback(log.close)
            found.observers.append(_Logging(log))
        if watch is not None:
            live = open_live(
                model, watch, name=version.name, false_alarms=false_alarms, rate=rate, reference=reference,
                shows_items=log_items, version=version_of(version.folder),
            )  # fmt: skip
            found.watches.append(live)
            stack.enter_context(_followed(live, None if teller is None else Herald(live, teller, complain)))
            found.recorders.append(
                RecorderSettings(
                    opener=_OPENER,
                    options={"folder": str(watch), "shows_items": log_items},
                    reads_features=live.monitor.features_of is not None,
                )
            )
        yield found


def open_live(
    model: Bundle,
    folder: Path,
    *,
    name: str,
    false_alarms: str = DEFAULT_BUDGET,
    rate: str | None = None,
    reference: Any = None,
    shows_items: bool = False,
    version: str = "",
    log: Path | None = None,
) -> LiveWatch:
    """Open the live watch of a folder, or begin one there; raises as `headstart.watch` does.

    Parameters
    ----------
    version : of the model in its registry; '' where it is in none. Another one than the watch knows begins a new period
    log : that the watch follows, where it follows one
    """
    budget = FalseAlarms.parse(false_alarms, rate)
    store = WatchStore(folder, is_watch=True)
    if files := store.kept():
        monitor = kept.from_files(files, folder, features_of=features_of(model))
        check_goes_on(monitor, model, budget, f"{folder}", "--watch", is_version=bool(version))
        monitor.seal = monitor.seal or seal_of(model)
    else:
        monitor = new_monitor(model, reference, budget, RunContext.default(progress=None), version=version)
    live = LiveWatch(monitor, store, name=name, shows_items=shows_items)
    if is_another(monitor, model):
        _finish(live, log)
        context = RunContext.default(progress=None)
        found = reference_of_bundle(model) if reference is None else reference_of_data(model, reference, context)
        store.announce(seal_of(model), version, found)
    elif not store.newest():
        store.announce(seal_of(model), version, monitor.reference)
    live.catch_up()
    live.monitor.features_of = features_of(model) if live.monitor.reference.projections else None
    return live


def _finish(live: LiveWatch, log: Path | None) -> None:
    """Count what the former model answered and the watch has not seen yet."""
    while live.catch_up():
        pass
    live.monitor.features_of = None  # the features are those of another model
    if log is None or not live.monitor.version:
        return
    n_outputs, after = len(live.monitor.reference.labels) or 1, live.monitor.quality.gaps.last_time
    for records, outputs in read_log(log, n_outputs, after=after, version=live.monitor.version):
        live.look(records, None, outputs)


@contextmanager
def _followed(live: LiveWatch, herald: Herald | None) -> Iterator[None]:
    """Take what a stream leaves, on a thread; at the end all of it."""
    stop = threading.Event()
    with ThreadPoolExecutor(1, thread_name_prefix="headstart-watch") as pool:
        following = pool.submit(_follow_stream, live, stop, herald)
        try:
            yield
        finally:
            stop.set()
            following.result()


def _follow_stream(live: LiveWatch, stop: threading.Event, herald: Herald | None = None) -> None:
    while True:
        is_last = stop.is_set()
        n_taken = 0
        try:
            n_taken = live.catch_up()
            live.refresh()
            if herald is not None:
                herald.look()
        except (ServiceError, StorageError):  # the stream meets it too, and says so; what was left is still there
            if is_last:
                raise
        if is_last and not n_taken:
            if herald is not None:
                herald.close()
            live.close()
            return
        if not n_taken:
            stop.wait(_TURN_S)


def follow_log(live: LiveWatch, log: Path, stop: threading.Event) -> None:
    """Look at the files of a server's log, as they come, until it is told to stop; rows that the watch has seen are left out."""
    n_outputs = len(live.monitor.reference.labels) or 1
    after = live.monitor.quality.gaps.last_time
    seen: set[Path] = set()
    while True:
        files = log_files(log)
        seen &= set(files)
        for path in (one for one in files if one not in seen):
            seen.add(path)
            records, outputs = read_file(path, n_outputs, after=after)
            for start in range(0, len(records), _BATCH):
                part = slice(start, start + _BATCH)
                live.look(records[part], _items(records[part]), outputs[part])
            live.refresh()
        if stop.wait(_LOOK_S):
            live.close()
            return
        live.refresh()


def _items(records: Sequence[Record]) -> list[Any] | None:
    """What the model read, where the log holds all of it."""
    return [one.content for one in records] if all(one.content is not None for one in records) else None


class _Logging:
    """Notes answers in a log, with the version that gave them."""

    def __init__(self, log: PredictionLog) -> None:
        self._log = log

    def answered(self, answers: Answers) -> None:
        """Note a batch."""
        rows = [
            item if isinstance(item, UserError) else row for item, row in zip(answers.items, answers.rows, strict=True)
        ]
        assert answers.model is not None
        self._log.add(answers.model, answers.items, rows, [record.key for record in answers.records])
