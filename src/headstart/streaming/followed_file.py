"""A file of records that may still grow: read from a position on, whole records only, also when it is rotated or cut short."""

from __future__ import annotations

import csv
import io
import logging
import os
from typing import TYPE_CHECKING, Any, BinaryIO

from headstart.core.errors import DataError
from headstart.data.payloads import is_json_object
from headstart.data.readers.layout import Layout, ends_within_quotes, find_layout
from headstart.streaming import json_lines
from headstart.streaming.file_record import FileRecord, cells_of, check_names, texts_of
from headstart.streaming.json_lines import too_long

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_LOGGER = logging.getLogger("headstart.streaming.file")
_CHUNK_BYTES = 1 << 16
_MAX_QUOTED_LINES = 1_000
_TURN_BYTES = 64 << 20  # of a line that is too long
TABLE_SUFFIXES = (".csv", ".tsv", ".tab")


class FollowedFile:
    """Reads the records of one path in order, one file after the other where it is rotated.

    Parameters
    ----------
    is_table : a CSV with a header line; JSON lines otherwise
    follows : whether more may come at its end; else half a last line is a record too
    """

    def __init__(self, path: Path, *, is_table: bool, follows: bool) -> None:
        self._path = path
        self._is_table = is_table
        self._follows = follows
        self._file: BinaryIO | None = None
        self._inode = self._offset = self._line = 0
        self._pending = bytearray()  # read, and not yet given, from `_offset` on
        self._long: tuple[bytes, int] | None = (
            None  # of a line that is too long: its beginning, and how much of it was left out
        )
        self._names: list[str] = []
        self._layout: Layout | None = None
        self._is_rotated = False
        self._is_behind = False  # in a long line that may go on

    def open(self, saved: Mapping[str, Any]) -> None:
        """Go on at a saved position, if that file is still there, even under another name beside it; else begin.

        Raises
        ------
        DataError
            There is no such file.
        """
        self.close()
        if saved and not _is_position(saved):
            _LOGGER.warning("%s: the position that was kept is damaged; it is read from its beginning", self._path)
            saved = {}
        inode = saved.get("inode")
        path = self._path if inode is None else self._file_of(inode)
        if path is None:
            _LOGGER.warning(
                "%s: the file that was read last is gone; the new one is read from its beginning", self._path
            )
            path = self._path
        self._begin(path)
        if inode == self._inode:
            self._go_on(saved)

    def _file_of(self, inode: int) -> Path | None:
        """Where the file of a saved position lies now."""
        beside = [self._path, *sorted(self._path.parent.glob(f"{self._path.name}*"))]
        return next((path for path in beside if path.is_file() and path.stat().st_ino == inode), None)

    def _begin(self, path: Path) -> None:
        try:
            self._file = path.open("rb")
        except FileNotFoundError:
            raise DataError(f"there is no file {path}. Check the path, or make an empty file.") from None
        except OSError as error:
            raise DataError(f"{path} cannot be read ({error.strerror}). Check its permissions.") from error
        self._inode = os.fstat(self._file.fileno()).st_ino
        self._offset = self._line = 0
        self._pending, self._names, self._layout, self._is_rotated = bytearray(), [], None, False
        self._long, self._is_behind = None, False

    def _go_on(self, saved: Mapping[str, Any]) -> None:
        """Skip what was done; a file that is shorter than that was cut short, and is read from its beginning."""
        assert self._file is not None
        if os.fstat(self._file.fileno()).st_size < int(saved["offset"]):
            _LOGGER.warning("%s is shorter than it was; it is read from its beginning", self._path)
            return
        if self._is_table and not self._read_header():
            return
        self._file.seek(int(saved["offset"]))
        self._offset, self._line, self._pending = int(saved["offset"]), int(saved["line"]), bytearray()

    def read(self, n: int) -> list[FileRecord]:
        """Give at most `n` records that are there.

        Raises
        ------
        DataError
            The header of a table is not readable.
        """
        if self._is_table and not self._layout and not self._read_header():
            return []
        found: list[FileRecord] = []
        while len(found) < n and (record := self._next()) is not None:
            if record.raw.strip():
                found.append(record)
        return found

    @property
    def is_at_end(self) -> bool:
        """Whether nothing more will come; asked after `read` gave nothing. Moves on to the next file where it was rotated."""
        if self._is_behind:
            return False
        if not self._follows:
            return True
        self._look_again()
        return False

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def _look_again(self) -> None:
        """Notice that another file has taken the name, or that this one was cut short."""
        assert self._file is not None
        try:
            now = self._path.stat()
        except FileNotFoundError:
            return  # between two renames
        if now.st_ino == self._inode:
            n_left_out = self._long[1] if self._long else 0
            if now.st_size < self._offset + n_left_out + len(self._pending):
                _LOGGER.warning("%s was cut short; it is read from its beginning", self._path)
                self.close()
                self._begin(self._path)
        elif not self._is_rotated:  # who wrote it may still end its last line
            self._is_rotated = True
        elif not self._pending and not self._long:
            self.close()
            self._begin(self._path)

    def _more(self) -> bool:
        assert self._file is not None
        chunk = self._file.read(_CHUNK_BYTES)
        self._pending += chunk
        return bool(chunk)

    def _next_line(self, start: int) -> int:
        """Where the line ends that begins at a place of what is pending; -1 where it is not whole, -2 where it is too long."""
        searched = start
        while (found := self._pending.find(b"\n", searched)) < 0:
            searched = len(self._pending)
            if searched - start > json_lines.MAX_LINE_BYTES:
                return -2
            if not self._more():
                return len(self._pending) if self._is_final and len(self._pending) > start else -1
        return found + 1

    @property
    def _is_final(self) -> bool:
        """Whether half a last line is all there will be of it."""
        return not self._follows or self._is_rotated

    def _long_line(self) -> FileRecord | None:
        """Read over a line that is too long, and keep its beginning; None where its end has not come."""
        shown, n_left_out = self._long or (bytes(self._pending[: json_lines.N_SHOWN_BYTES]), 0)
        stop = n_left_out + _TURN_BYTES
        while (found := self._pending.find(b"\n")) < 0:
            n_left_out += len(self._pending)
            self._pending.clear()
            self._is_behind = n_left_out > stop  # others have their turn
            if self._is_behind or not self._more():
                if self._is_final and not self._is_behind:
                    break
                self._long = shown, n_left_out
                return None
        n_last = found + 1
        del self._pending[:n_last]
        self._long = None
        start, self._line = self._offset, self._line + 1
        self._offset += n_left_out + n_last
        error = too_long(f"line {self._line} of {self._path.name}")
        return FileRecord(self._inode, start, self._offset, self._line, shown, error=error)

    def _next(self) -> FileRecord | None:
        if self._long:
            return self._long_line()
        end = self._next_line(0)
        if end == -2:
            return self._long_line()
        if end < 0:
            return None
        n_lines, error = 1, ""
        if self._is_table and self._pending.count(b'"', 0, end) % 2:
            end, n_lines, error = self._quoted(end)
            if end < 0:
                return None
        raw = bytes(self._pending[:end])
        del self._pending[:end]
        start, line = self._offset, self._line + 1
        self._offset += end
        self._line += n_lines
        place = (self._inode, start, self._offset, line, raw.rstrip(b"\r\n"))
        if not self._is_table or error or not raw.strip():
            return FileRecord(*place, error=error)
        return self._row(place)

    def _quoted(self, first: int) -> tuple[int, int, str]:
        """Where a row ends whose cells have line feeds in quotes: end, lines, and what is wrong with it."""
        assert self._layout is not None
        end, n_lines = first, 1
        while ends_within_quotes(texts_of(self._pending[:end]), self._layout.separator):
            following = self._next_line(end) if n_lines < _MAX_QUOTED_LINES else -2
            if following == -2 or (following == -1 and not self._follows):
                return first, 1, f"line {self._line + 1} of {self._path.name} has a quote that is not closed. Close it."
            if following == -1:
                return -1, 0, ""
            end, n_lines = following, n_lines + 1
        return end, n_lines, ""

    def _row(self, place: tuple[int, int, int, int, bytes]) -> FileRecord:
        assert self._layout is not None
        line, raw = place[3], place[4]
        try:
            cells = cells_of(raw.decode(), self._layout.separator)
        except UnicodeDecodeError as error:
            return FileRecord(*place, error=f"line {line} of {self._path.name} is not UTF-8 ({error.reason}).")
        except csv.Error as error:
            return FileRecord(*place, error=f"line {line} of {self._path.name} is no row of a table ({error}).")
        if len(cells) != len(self._names):
            said = f"line {line} of {self._path.name} has {len(cells)} cells, but the header has {len(self._names)}"
            return FileRecord(
                *place, error=f"{said}. Put a cell that has a '{self._layout.separator}' in it in quotes."
            )
        return FileRecord(*place, fields=dict(zip(self._names, cells, strict=True)))

    def _read_header(self) -> bool:
        """Find the columns, as soon as the first lines are whole."""
        while self._more() and len(self._pending) < _CHUNK_BYTES:
            pass
        whole = bytes(self._pending if not self._follows else self._pending[: self._pending.rfind(b"\n") + 1])
        if not whole.strip():
            return False
        layout = find_layout(lambda: io.StringIO(whole.decode("utf-8-sig", "replace"), newline=""))
        self._layout = layout
        for _ in range(layout.n_lines_above):
            self._skip_line()
        header = self._next_header()
        if is_json_object(header.removeprefix(b"\xef\xbb\xbf").strip()):
            raise DataError(f"{self._path} is JSON lines, not CSV. Leave ?format=csv out, or write ?format=jsonl.")
        try:
            self._names = cells_of(header.decode("utf-8-sig"), layout.separator)
        except (UnicodeDecodeError, csv.Error) as error:
            raise DataError(f"the header of {self._path} cannot be read ({error}). Write it in UTF-8.") from error
        check_names(self._names, self._path)
        return True

    def _skip_line(self) -> None:
        end = max(self._next_line(0), 0)
        del self._pending[:end]
        self._offset, self._line = self._offset + end, self._line + 1

    def _next_header(self) -> bytes:
        self._layout, layout = None, self._layout
        self._is_table = False
        record = self._next()
        self._is_table, self._layout = True, layout
        return b"" if record is None else record.raw


def _is_position(saved: Mapping[str, Any]) -> bool:
    """Whether it is what a connector keeps: a file's inode, and from which byte and line on it is to be read."""
    return all(type(saved.get(name)) is int and saved[name] >= 0 for name in ("inode", "offset", "line"))
