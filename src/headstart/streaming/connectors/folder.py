"""A watched folder: each file in it is one record, a photo or a text, once its size has settled; answers as a file each."""

from __future__ import annotations

import asyncio
import errno
import hashlib
import os
import re
import time
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from headstart.core.errors import DataError, OptionError
from headstart.storage.files import replacing, storage_errors
from headstart.streaming.connector import EndOfStream
from headstart.streaming.journal import Journal
from headstart.streaming.json_lines import line_of
from headstart.streaming.record import Delivery, Record

if TYPE_CHECKING:
    from collections.abc import Sequence

    from headstart.streaming.address import Address
    from headstart.streaming.connector import Inlet, Outlet
    from headstart.streaming.record import Output

_POLL_S = 0.1
_SETTLE_MS = 500.0
_MAX_FILE_BYTES = 64 << 20
_UNFINISHED = (".part", ".partial", ".tmp", ".crdownload", ".swp")


class Folder:
    """The connector."""

    inlet_options: ClassVar[dict[str, str]] = {
        "done": "Folder to which files go that are answered; they stay where they are if not given.",
        "settle_ms": "How long a file must not have changed before it is taken; 500 if not given.",
        "follow": "1 (the default): wait for more files; 0: end when all are done.",
    }
    outlet_options: ClassVar[dict[str, str]] = {}

    def inlet(self, address: Address) -> Inlet:
        """Watch a folder."""
        return FolderInlet(address)

    def outlet(self, address: Address) -> Outlet:
        """Write files into a folder."""
        return FolderOutlet(Path(address.path))


class FolderInlet:
    """Files of a folder, the oldest first; what is done is moved away, or remembered in the state folder."""

    def __init__(self, address: Address) -> None:
        self._address = address
        self._path = Path(address.path)
        self._settle_s = address.number("settle_ms", _SETTLE_MS) / 1000
        self._follows = address.flag("follow", default=True)
        done = address.options.get("done")
        self._done = None if done is None else self._path / done  # an absolute path stays what it is
        if self._done is not None and self._done.resolve() == self._path.resolve():
            raise OptionError(f"the option 'done' of {address.text} is the folder that is watched. Name another.")
        self._journal = Journal(address.state, f"{self._path.resolve()} {address.worker} of {address.n_workers}")
        self._remembered: set[str] = set()
        self._given: set[str] = set()

    async def open(self) -> None:
        """Begin to watch.

        Raises
        ------
        DataError
            There is no such folder.
        """
        if not self._path.is_dir():
            raise DataError(f"there is no folder {self._path}. Make it, or check the path.")
        self._given.clear()
        done = self._journal.load().get("done")
        self._remembered = {one for one in done if isinstance(one, str)} if isinstance(done, list) else set()

    async def receive(self, n: int, timeout_s: float) -> Sequence[Delivery]:
        """Take files that have settled; looks again while there are none."""
        end = time.monotonic() + timeout_s
        while True:
            found, is_settled = await asyncio.to_thread(self._take, n)
            if found:
                return found
            if not self._follows and is_settled:
                raise EndOfStream
            left_s = end - time.monotonic()
            if left_s <= 0:
                return []
            await asyncio.sleep(min(_POLL_S, left_s))

    async def acknowledge(self, deliveries: Sequence[Delivery]) -> None:
        """Move files away, or remember them."""
        await asyncio.to_thread(self._finish, deliveries)

    async def close(self) -> None:
        """What was not acknowledged is there again."""
        self._given.clear()

    def _take(self, n: int) -> tuple[list[Delivery], bool]:
        """At most n deliveries; and whether no file is there that is yet to settle."""
        files: list[tuple[int, str, str]] = []
        is_settled = True
        for entry in os.scandir(self._path):
            if entry.name.startswith(".") or entry.name.lower().endswith(_UNFINISHED) or not self._is_mine(entry.name):
                continue
            try:
                if not entry.is_file():
                    continue
                stat = entry.stat()
            except OSError:
                continue  # it has gone meanwhile
            key = f"{entry.name}@{stat.st_mtime_ns}"
            if key in self._given or key in self._remembered:
                continue
            if time.time() - stat.st_mtime < self._settle_s:
                is_settled = False
                continue
            files.append((stat.st_mtime_ns, entry.name, key))
        deliveries = [self._read(name, key, time_ns) for time_ns, name, key in sorted(files)[:n]]
        return [one for one in deliveries if one is not None], is_settled

    def _is_mine(self, name: str) -> bool:
        return self._address.is_mine(name)

    def _read(self, name: str, key: str, time_ns: int) -> Delivery | None:
        path, error = self._path / name, ""
        self._given.add(key)
        try:
            content = _content_of(path)
        except FileNotFoundError:
            return None
        except OSError as failure:
            error = f"{path} cannot be read ({failure.strerror})."
        except DataError as failure:
            error = str(failure)
        if error:
            record = Record(key=key, content=b"", attributes={"file": name})
            return Delivery(record=record, token=(key, name), error=error)
        attributes = {"file": name, **({"content-type": "application/json"} if path.suffix == ".json" else {})}
        record = Record(key=key, content=content, partition=name, time=time_ns / 1e9, attributes=attributes)
        return Delivery(record=record, token=(key, name), raw=content)

    def _finish(self, deliveries: Sequence[Delivery]) -> None:
        if self._done is not None:
            with storage_errors(self._done):
                self._done.mkdir(parents=True, exist_ok=True)
                for one in deliveries:
                    self._move(one.token[1])
        for one in deliveries:
            self._given.discard(one.token[0])
            if self._done is None:
                self._remembered.add(one.token[0])
        if self._done is None:
            there = set(os.listdir(self._path))  # noqa: PTH208  names alone
            self._remembered = {key for key in self._remembered if key.rpartition("@")[0] in there}
            self._journal.save({"done": sorted(self._remembered)})

    def _move(self, name: str) -> None:
        assert self._done is not None
        source, target = self._path / name, self._done / name
        if target.exists():
            target = self._done / f"{source.stem}-{time.time_ns()}{source.suffix}"
        try:
            source.rename(target)
        except FileNotFoundError:
            return  # somebody has taken it away


def _content_of(path: Path) -> bytes:
    """The bytes of a file; a link is not followed, for who may put one there may not be allowed to read what it names."""
    try:
        descriptor = os.open(
            path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK
        )  # a pipe that took its place is not waited for
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise DataError(f"{path} is a link, and links are not followed. Put the file itself there.") from None
        raise
    with os.fdopen(descriptor, "rb") as file:
        content = file.read(_MAX_FILE_BYTES + 1)
    if len(content) > _MAX_FILE_BYTES:
        raise DataError(f"{path} is larger than {_MAX_FILE_BYTES >> 20} MiB. Make it smaller.")
    return content


class FolderOutlet:
    """A JSON file for each output, whole or not there, named after its key; a key that is there already is left as it is.

    Attributes
    ----------
    n_left_out : outputs whose key was there already
    """

    is_idempotent = True

    def __init__(self, path: Path) -> None:
        self._path = path
        self.n_left_out = 0

    async def open(self) -> None:
        """Make the folder where it is not there."""
        with storage_errors(self._path):
            self._path.mkdir(parents=True, exist_ok=True)

    async def send(self, outputs: Sequence[Output]) -> None:
        """Write files."""
        await asyncio.to_thread(self._write, outputs)

    async def close(self) -> None:
        """Nothing is open."""

    def _write(self, outputs: Sequence[Output]) -> None:
        for one in outputs:
            path = self._path / _file_name(one.key)
            if path.exists():
                self.n_left_out += 1
                continue
            with replacing(path) as partial:
                partial.write_bytes(line_of(one.value))


def _file_name(key: str) -> str:
    """A name for a file: what people can read of the key, and its hash.

    >>> _file_name("cat.jpg@17")
    'cat.jpg-17-817be2452e166509.json'
    """
    digest = hashlib.sha256(key.encode("utf-8", "replace")).hexdigest()
    word = re.sub(r"[^\w.-]+", "-", key, flags=re.ASCII).strip(".-")[:80]
    return f"{word or 'record'}-{digest[:16]}.json"  # so much of the hash that no two of many keys share it
