"""Recorder: counts each batch in its windows before it is acknowledged, and writes the windows that are over."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from headstart.core.errors import OptionError
from headstart.storage.files import storage_errors
from headstart.streaming.address import FILE, FOLDER, Address
from headstart.streaming.windows.observing import Observer
from headstart.streaming.windows.rows import stretches
from headstart.streaming.windows.sinks.events import Events
from headstart.streaming.windows.sinks.parquet import ParquetFolder
from headstart.streaming.windows.sinks.postgres import SCHEMES, Postgres
from headstart.streaming.windows.store import Event, Store

if TYPE_CHECKING:
    from collections.abc import Callable

    from headstart.streaming.answers import AnsweringModel, Answers
    from headstart.streaming.windows.settings import WindowSettings
    from headstart.streaming.windows.sinks.sink import Sink

STATE_NAME = "windows.sqlite"


class WindowRecorder:
    """Records batches; all methods are called one after the other, on any thread.

    Parameters
    ----------
    state : folder of the open windows; None: the folder that windows are written to
    tell : is told of records that are in no window, with a word for machines

    Raises
    ------
    OptionError
        The settings are wrong, or there is no folder for the open windows.
    MissingExtraError
        A library is not installed.
    """

    def __init__(
        self,
        settings: WindowSettings,
        *,
        state: Path | None,
        worker: int = 0,
        n_workers: int = 1,
        tell: Callable[[str, str], None],
    ) -> None:
        settings.check()
        self._settings = settings
        self._tell = tell
        self.name, folder, self._sink = _sink(settings.to, worker, n_workers)
        state = state or folder
        if state is None:
            raise OptionError(f"windows to {self.name} need a folder for those that are open. Name one with --state.")
        with storage_errors(state):
            state.mkdir(parents=True, exist_ok=True)
        self._observer = Observer(settings)
        self._store = Store(state / STATE_NAME, settings, worker=worker, n_workers=n_workers)
        self._before = self._store.counts()
        self._has_told_of_time = self._has_told_of_group = False

    def record(self, answers: Answers) -> None:
        """Count a batch; when this returns, it will not be counted again.

        Raises
        ------
        ServiceError, StorageError
            The caller may record the same batch again.
        """
        events = [
            Event(record.key, *self._observer.observe(record, output, is_dead=is_dead))
            for record, output, is_dead in zip(answers.records, answers.outputs, answers.is_dead, strict=True)
        ]
        self._store.count(events)
        if not self._has_told_of_time and any(one.time_us is None for one in events):
            self._has_told_of_time = True
            self._tell(
                "windows", f"a record has no time that can be read{self._time_words()}; such records are in no window"
            )
        if self._settings.by and not self._has_told_of_group and any(not one.group for one in events):
            self._has_told_of_group = True
            self._tell(
                "windows", f"a record has nothing in the field '{self._settings.by}'; such records are one group of ''"
            )
        self._write()

    def expect(self, model: AnsweringModel) -> None:
        """Windows count answers of any version."""

    def end(self, *, is_complete: bool) -> None:
        """Write what is over; where the input has ended (`is_complete`), everything is, unless the settings keep it open.

        Raises
        ------
        ServiceError, StorageError
            The caller may do it again.
        """
        if is_complete and not self._settings.keep_open:
            self._store.end()
        self._write()
        now = self._store.counts()
        done = {name: now[name] - self._before[name] for name in now}
        said = f"{done['written']:,} windows written to {self.name}"
        if done["late"]:
            said += f"; {done['late']:,} records came too late for theirs (--window-lateness {self._settings.lateness})"
        if done["untimed"]:
            said += f"; {done['untimed']:,} have no time that can be read and are in none"
        self._tell("windows", said)

    def close(self) -> None:
        """Give up the file; may be called twice."""
        self._store.close()

    def _write(self) -> None:
        windows, late = self._store.closed()
        if windows or late:
            self._sink.write(stretches(windows, late))
            self._store.written(windows, late)

    def _time_words(self) -> str:
        name = self._settings.time
        return " (name its field with --window-time, or arrival)" if name is None else f" in the field '{name}'"


def _sink(to: str, worker: int, n_workers: int) -> tuple[str, Path | None, Sink]:
    """Give what the place is called, its folder if it is one, and how it is written."""
    address = Address.parse(to)
    if address.scheme in SCHEMES:
        return address.text, None, Postgres(to, address.text)
    if address.scheme == FOLDER or (address.scheme == FILE and not Path(address.path).suffix):
        return address.text, Path(address.path), ParquetFolder(Path(address.path))
    return address.text, None, Events(to, worker=worker, n_workers=n_workers)
