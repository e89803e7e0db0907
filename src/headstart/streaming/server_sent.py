"""Server-sent events as the HTML standard has them: lines in, events out.

https://html.spec.whatwg.org/multipage/server-sent-events.html
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

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
    data : its lines, with line feeds between
    """

    id: str
    type: str
    data: str


def events_of(chunks: Iterable[bytes], last_id: str = "") -> Iterator[ServerSentEvent]:
    r"""Read events from bytes as they come; one that is not ended by a blank line is none.

    >>> [(one.id, one.data) for one in events_of([b"id: 7\ndata: late", b" again\n\ndata: x"])]
    [('7', 'late again')]
    """
    event_type, data = "", list[str]()
    for line in _lines(chunks):
        if not line:
            if data:
                yield ServerSentEvent(id=last_id, type=event_type or "message", data="\n".join(data))
            event_type, data = "", []
            continue
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if name == "data":
            data.append(value)
        elif name == "event":
            event_type = value
        elif name == "id" and "\0" not in value:
            last_id = value


def _lines(chunks: Iterable[bytes]) -> Iterator[str]:
    """Lines that have ended, by any of the three ends; a byte order mark at the beginning is none of them."""
    pending, is_first = b"", True
    for chunk in chunks:
        pending += chunk
        held, pending = (pending[:-1], b"\r") if pending.endswith(b"\r") else (pending, b"")  # a line feed may follow
        *whole, rest = _LINE_END.split(held)
        pending = rest + pending
        for line in whole:
            yield (line.removeprefix(b"\xef\xbb\xbf") if is_first else line).decode("utf-8", "replace")
            is_first = False
