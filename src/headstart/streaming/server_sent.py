"""Server-sent events as the HTML standard has them: lines in, events out.

https://html.spec.whatwg.org/multipage/server-sent-events.html
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from headstart.streaming import json_lines
from headstart.streaming.json_lines import LineCutter, LongLine, too_long

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_LINE_END = re.compile(rb"\r\n|\n|\r")


@dataclass(frozen=True, kw_only=True)
class ServerSentEvent:
    """One event.

    Attributes
    ----------
    id : the last id that was said up to here; '' where none was
    type : `message` where none was said
    data : its lines, with line feeds between; of what is longer than a record may be the beginning
    error : why it cannot be read; empty if it can
    """

    id: str
    type: str
    data: str
    error: str = ""


def events_of(chunks: Iterable[bytes], last_id: str = "") -> Iterator[ServerSentEvent]:
    r"""Read events from bytes as they come; one that is not ended by a blank line is none.

    >>> [(one.id, one.data) for one in events_of([b"id: 7\ndata: late", b" again\n\ndata: x"])]
    [('7', 'late again')]
    """
    event_type, data, n_bytes, error = "", list[str](), 0, ""
    for line in _lines(chunks):
        if not line:
            if data:
                yield ServerSentEvent(id=last_id, type=event_type or "message", data="\n".join(data), error=error)
            event_type, data, n_bytes, error = "", [], 0, ""
            continue
        name, _, value = line.decode("utf-8", "replace").partition(":")
        value = value.removeprefix(" ")
        if name == "data" and not error:
            data.append(value)
            n_bytes += len(line)
            if n_bytes > json_lines.MAX_LINE_BYTES or isinstance(line, LongLine):
                data, error = ["\n".join(data)[: json_lines.N_SHOWN_BYTES]], too_long("the event")
        elif name == "event":
            event_type = value
        elif name == "id" and "\0" not in value and not isinstance(line, LongLine):
            last_id = value


def _lines(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Lines that have ended, by any of the three ends; a byte order mark at the beginning is none of them."""
    cutter, is_after_return, is_first = LineCutter(), False, True
    for chunk in chunks:
        if is_after_return and chunk:
            chunk, is_after_return = chunk.removeprefix(b"\n"), False  # noqa: PLW2901  it belongs to the end before it
        is_after_return = is_after_return or chunk.endswith(b"\r")
        for line in cutter.feed(_LINE_END.sub(b"\n", chunk)):
            said = line if isinstance(line, LongLine) else line[:-1]
            yield said.removeprefix(b"\xef\xbb\xbf") if is_first and not isinstance(said, LongLine) else said
            is_first = False
