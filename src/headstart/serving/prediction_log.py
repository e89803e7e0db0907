"""What was answered, for monitoring: rows of Parquet, some of them or all, in files that are whole or not there.

Off unless a folder is named. No item is kept, only its hash, unless the user asks for the items too. A process writes files of its own, each beside its place and
renamed; what is in memory when a process is killed is lost, at most `_N_ROWS` rows or `_AGE_S` seconds of them. Rows that cannot be
kept, for they come faster than they can be written or the disk is full, are counted, in the metrics and in a line of the log.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import queue
import random
import struct
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from headstart.core.errors import UserError, require
from headstart.serving import logs
from headstart.serving.metrics import count_lost
from headstart.storage.files import replacing

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from headstart.packaging import Bundle
    from headstart.serving.batching import Rows

_N_ROWS = 10_000
_AGE_S = 60.0
_MAX_WAITING = 100_000


class Answering(Protocol):
    """What answered: a model with its name and version."""

    @property
    def name(self) -> str:
        """What requests call it."""
        ...

    @property
    def version(self) -> str:
        """Which version of it."""
        ...

    @property
    def bundle(self) -> Bundle:
        """The model."""
        ...


class PredictionLog:
    """Rows of time, model, version, key, item's hash, label and outputs.

    Parameters
    ----------
    folder : where the files go, as `predictions-TIME-PROCESS.parquet`
    share : of the answers that are written, from above 0 to 1
    items : whether the items are kept too, as JSON, for people who give labels

    Raises
    ------
    MissingExtraError
        pyarrow is not installed.
    """

    def __init__(self, folder: Path, share: float, *, items: bool = False) -> None:
        require("pyarrow.parquet", extra="telemetry", purpose="the prediction log")
        self._keeps_items = items
        self._folder = folder
        self._share = share
        self._rows: queue.Queue[dict[str, Any] | None] = queue.Queue(_MAX_WAITING)
        self._full = _Losses("rows come faster than they can be written")
        self._unwritten = _Losses("")
        self._is_closing = False
        self._thread = threading.Thread(target=self._write_all, name="headstart-log", daemon=True)
        self._thread.start()

    def add(self, served: Answering, items: Sequence[Any], rows: Rows, keys: Sequence[str] | None = None) -> None:
        """Note answers, without waiting; those that there is no room for are counted as lost.

        Parameters
        ----------
        keys : of the records, where they have some; else the hashes of the items are their keys
        """
        for place, (item, row) in enumerate(zip(items, rows, strict=True)):
            if isinstance(row, UserError) or random.random() >= self._share:  # noqa: S311  a sample, not a secret
                continue
            noted = {
                "time": time.time_ns() // 1_000_000,
                "model": served.name,
                "version": served.version,
                "key": None if keys is None else keys[place],
                "item": hashlib.sha256(_content(item)).digest(),
                "content": json.dumps(_shown(item), ensure_ascii=False) if self._keeps_items else None,
                "label": _label(served, row),
                "outputs": row.astype(np.float32),
            }
            try:
                self._rows.put_nowait(noted)
            except queue.Full:
                self._full.lose(1)

    def close(self) -> None:
        """Write what is left."""
        self._is_closing = True
        with suppress(queue.Full):
            self._rows.put_nowait(None)  # wakes the thread; where there is no room for it, it is awake
        self._thread.join()

    def _write_all(self) -> None:
        while not (self._is_closing and self._rows.empty()):
            rows = self._take()
            try:
                if rows:
                    self._write(rows)
            except Exception as error:  # noqa: BLE001  a full disk, or what Arrow raises: the thread must go on
                self._unwritten.lose(len(rows), f"{type(error).__name__}: {error}")
            for losses in (self._full, self._unwritten):
                losses.report()

    def _take(self) -> list[dict[str, Any]]:
        """The rows of one file."""
        rows: list[dict[str, Any]] = []
        end = time.monotonic() + _AGE_S
        while len(rows) < _N_ROWS and time.monotonic() < end:
            wait_s = 0.001 if self._is_closing else max(end - time.monotonic(), 0.001)
            try:
                row = self._rows.get(timeout=wait_s)
            except queue.Empty:
                break
            if row is None:
                break
            rows.append(row)
        return rows

    def _write(self, rows: list[dict[str, Any]]) -> None:
        import pyarrow as pa
        from pyarrow import parquet

        schema = pa.schema(
            {
                "time": pa.timestamp("ms", tz="UTC"),
                "model": pa.string(),
                "version": pa.string(),
                "key": pa.string(),
                "item": pa.binary(32),
                "content": pa.string(),
                "label": pa.string(),
                "outputs": pa.list_(pa.float32()),
            }
        )
        with replacing(self._folder / f"predictions-{time.time_ns()}-{os.getpid()}.parquet") as partial:
            parquet.write_table(pa.Table.from_pylist(rows, schema), partial, compression="zstd")


class _Losses:
    """Rows lost for one reason: counted at once, written in the log once for all since the last time."""

    def __init__(self, reason: str) -> None:
        self._reason = reason
        self._n_rows = 0

    def lose(self, n_rows: int, reason: str | None = None) -> None:
        self._reason = reason or self._reason
        self._n_rows += n_rows
        count_lost(n_rows)

    def report(self) -> None:
        n_rows, self._n_rows = self._n_rows, 0
        if n_rows:
            logs.write("prediction_log", error=self._reason, lost=n_rows)


def _content(item: Any) -> bytes:
    """The bytes of an item; of a row, each field behind its length."""
    if isinstance(item, dict):
        fields = [_content(value) for value in item.values()]
        return b"".join(len(field).to_bytes(8, "little") + field for field in fields)
    if isinstance(item, float):
        return struct.pack("<d", item)
    content: bytes = item.encode("utf-8", "replace") if isinstance(item, str) else item
    return content


def _shown(item: Any) -> Any:
    """An item as JSON; bytes as an object of `base64`, and what JSON has no number for as null."""
    if isinstance(item, dict):
        return {name: _shown(value) for name, value in item.items()}
    if isinstance(item, bytes | bytearray | memoryview):
        return {"base64": base64.b64encode(item).decode()}
    if isinstance(item, float | np.floating):
        return float(item) if np.isfinite(item) else None
    return item.encode("utf-8", "replace").decode() if isinstance(item, str) else item


def _label(served: Answering, row: Any) -> str | None:
    answer = served.bundle.answer("", row, top=1)
    return "\n".join(answer.labels) if answer.labels is not None else answer.label
