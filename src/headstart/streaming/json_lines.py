"""Lines of JSON: cut from bytes as they come, and written from outputs."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from headstart.core.strict_json import plain

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_LINE_BYTES = 64 << 20
N_SHOWN_BYTES = 64 << 10


class LongLine(bytes):
    """The beginning of a line that is too long to be a record; the rest was left out."""


def too_long(what: str) -> str:
    """Say that something is longer than a record may be.

    >>> too_long("line 3 of a.jsonl")
    'line 3 of a.jsonl is longer than 64 MiB; its first 64 KiB are kept here. A record is one line: send it in parts, or shorter.'
    """
    return f"{what} is longer than {MAX_LINE_BYTES >> 20} MiB; its first {N_SHOWN_BYTES >> 10} KiB are kept here. A record is one line: send it in parts, or shorter."


class LineCutter:
    r"""Cuts chunks of bytes into lines, each with its line feed; of one that is longer than 64 MiB a `LongLine` is left.

    >>> cutter = LineCutter()
    >>> cutter.feed(b"1\n2"), cutter.feed(b"3\n"), cutter.rest
    ([b'1\n'], [b'23\n'], b'')
    """

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._n_bytes = 0
        self._long: LongLine | None = None

    def feed(self, chunk: bytes) -> list[bytes]:
        """Give the lines that a chunk completes."""
        if b"\n" not in chunk:
            self._keep(chunk)
            return []
        first, *lines, rest = chunk.split(b"\n")
        self._keep(first)
        whole = [self.rest if self._long is not None else self.rest + b"\n", *(line + b"\n" for line in lines)]
        self._parts, self._n_bytes, self._long = [], 0, None
        self._keep(rest)
        return whole

    def _keep(self, part: bytes) -> None:
        if self._long is not None or not part:
            return
        self._parts.append(part)
        self._n_bytes += len(part)
        if self._n_bytes > MAX_LINE_BYTES:
            self._long = LongLine(b"".join(self._parts)[:N_SHOWN_BYTES])
            self._parts, self._n_bytes = [], 0

    @property
    def rest(self) -> bytes:
        """What came after the last line feed."""
        return b"".join(self._parts) if self._long is None else self._long


def line_of(value: Mapping[str, Any]) -> bytes:
    r"""Write a JSON object as one line.

    >>> line_of({"label": "spam"})
    b'{"label": "spam"}\n'
    """
    return text_of(value).encode("utf-8", "replace") + b"\n"


def text_of(value: Mapping[str, Any]) -> str:
    """Write a JSON object that every parser accepts: what is no JSON in it, such as NaN, becomes null.

    >>> text_of({"value": float("nan")})
    '{"value": null}'
    """
    try:
        return json.dumps(value, ensure_ascii=False, allow_nan=False)
    except (TypeError, ValueError):
        return json.dumps(plain(dict(value)), ensure_ascii=False, allow_nan=False)


def key_of(line: bytes) -> str | None:
    r"""Give the key of an output that was written as a line; None where it is none.

    >>> key_of(b'{"key": "7"}'), key_of(b'{"specversion": "1.0", "id": "8"}'), key_of(b'{"key": "')
    ('7', '8', None)
    """
    try:
        value = json.loads(line)
    except ValueError:
        return None
    if not isinstance(value, dict):
        return None
    key = value.get("id") if "specversion" in value else value.get("key")
    return key if isinstance(key, str) else None
