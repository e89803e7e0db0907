"""A file: a growing CSV or JSON lines in, JSON lines out."""

from __future__ import annotations

import asyncio
import hashlib
import json
import time
from collections import deque
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from headstart.core.errors import OptionError
from headstart.streaming.appended_file import AppendedFile
from headstart.streaming.connector import EndOfStream
from headstart.streaming.followed_file import TABLE_SUFFIXES, FollowedFile
from headstart.streaming.journal import Journal
from headstart.streaming.record import Delivery, Record

if TYPE_CHECKING:
    from collections.abc import Sequence

    from headstart.streaming.address import Address
    from headstart.streaming.connector import Inlet, Outlet
    from headstart.streaming.file_record import FileRecord
    from headstart.streaming.record import Output

_POLL_S = (0.005, 0.1)
_JSON = {"content-type": "application/json"}
_FORMATS = ("csv", "jsonl")
_OTHERS = (".xlsx", ".xls", ".ods", ".parquet", ".gz", ".zip", ".db", ".sqlite")


class File:
    """The connector."""

    inlet_options: ClassVar[dict[str, str]] = {
        "follow": "1: wait at the end for more; 0 (the default): end there.",
        "format": "csv or jsonl; by the name's ending if not given.",
        "partition": "Field whose equal values stay with one worker, in order.",
    }
    outlet_options: ClassVar[dict[str, str]] = {}

    def inlet(self, address: Address) -> Inlet:
        """Read a file."""
        return FileInlet(address)

    def outlet(self, address: Address) -> Outlet:
        """Add to a file."""
        path = Path(address.path)
        if path.suffix.lower() in TABLE_SUFFIXES:
            raise OptionError(f"answers are written as JSON lines, not as {path.suffix}. Name a .jsonl file.")
        return FileOutlet(path)


class FileInlet:
    """Records of a file; what is done is remembered in the state folder, as a position."""

    def __init__(self, address: Address) -> None:
        path = Path(address.path)
        if "format" not in address.options and path.suffix.lower() in _OTHERS:
            raise OptionError(
                f"{path} is a {path.suffix.lower()} file; a stream reads CSV and JSON lines. Save it as one of these, or answer it with: headstart predict."
            )
        form = address.options.get("format") or ("csv" if path.suffix.lower() in TABLE_SUFFIXES else "jsonl")
        if form not in _FORMATS:
            raise OptionError(f"the option 'format' of {address.text} must be csv or jsonl, not '{form[:20]}'.")
        self._address = address
        self._path = path
        self._file = FollowedFile(path, is_table=form == "csv", follows=address.flag("follow", default=False))
        self._partition = address.options.get("partition", "")
        where = str(path.resolve()) + ("" if address.n_workers == 1 else f" {address.worker} of {address.n_workers}")
        self._journal = Journal(address.state, where)
        self._given: deque[list[Any]] = deque()  # [record, is done], in the order of the file
        self._by_start: dict[tuple[int, int], list[Any]] = {}

    async def open(self) -> None:
        """Go on after what was acknowledged last."""
        self._given.clear()
        self._by_start.clear()
        self._file.open(self._journal.load())

    async def receive(self, n: int, timeout_s: float) -> Sequence[Delivery]:
        """Take records; looks again while there are none, in growing steps."""
        end = time.monotonic() + timeout_s
        wait_s = _POLL_S[0]
        while True:
            rows = self._file.read(n)
            found = [delivery for one in rows if (delivery := self._delivery(one)) is not None]
            if found:
                return found
            if rows:  # all of them another worker's
                await asyncio.sleep(0)
                continue
            if self._file.is_at_end:
                if self._given and self._given[-1][1]:
                    self._save()
                raise EndOfStream
            left_s = end - time.monotonic()
            if left_s <= 0:
                return []
            await asyncio.sleep(min(wait_s, left_s))
            wait_s = min(2 * wait_s, _POLL_S[1])

    async def acknowledge(self, deliveries: Sequence[Delivery]) -> None:
        """Remember the position up to which everything is done."""
        for delivery in deliveries:
            given = self._by_start.pop(delivery.token, None)
            if given is not None:
                given[1] = True
        self._save()

    async def close(self) -> None:
        """Close the file; what was not acknowledged is read again."""
        self._file.close()

    def _delivery(self, one: FileRecord) -> Delivery | None:
        """Make one; None of a record that is another worker's."""
        token = (one.inode, one.start)
        digest = hashlib.blake2b(one.raw, digest_size=6).hexdigest()
        key = f"{self._path.name}:{one.inode:x}:{one.start}:{digest}"  # a file that took the place of another may take its inode too
        partition = self._partition_of(one, key)
        given = [one, not self._address.is_mine(partition)]
        self._given.append(given)
        if given[1]:
            return None
        self._by_start[token] = given
        if one.fields is not None:
            record = Record(key=key, content=one.fields, partition=partition)
        else:
            record = Record(key=key, content=one.raw, partition=partition, attributes=_JSON)
        return Delivery(record=record, token=token, raw=one.raw, error=one.error)

    def _partition_of(self, one: FileRecord, key: str) -> str:
        if not self._partition:
            return key if self._address.n_workers > 1 else self._path.name
        fields: Any = one.fields
        if fields is None:
            try:
                fields = json.loads(one.raw)
            except (ValueError, RecursionError):
                fields = None
        return str(fields.get(self._partition, "")) if isinstance(fields, dict) else ""

    def _save(self) -> None:
        last = None
        while self._given and self._given[0][1]:
            last = self._given.popleft()[0]
        if last is not None:
            n_lines = last.raw.count(b"\n") + 1
            self._journal.save({"inode": last.inode, "offset": last.end, "line": last.line + n_lines - 1})


class FileOutlet:
    """JSON lines, on the disk after each batch; a key that stands in the end of the file already is left out."""

    is_idempotent = True

    def __init__(self, path: Path) -> None:
        self._file = AppendedFile(path)

    @property
    def n_left_out(self) -> int:
        """Outputs whose key was there already."""
        return self._file.n_left_out

    async def open(self) -> None:
        """Open it, and learn which keys are there."""
        await asyncio.to_thread(self._file.open)

    async def send(self, outputs: Sequence[Output]) -> None:
        """Add outputs."""
        await asyncio.to_thread(self._file.append, outputs)

    async def close(self) -> None:
        """Close it."""
        self._file.close()
