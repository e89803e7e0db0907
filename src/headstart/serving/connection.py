"""One connection within limits that hold before anything of a request is trusted: the length of its head, time, how many.

uvicorn's protocol with httptools has none of these, so they are counted here, where the bytes come in. A connection that does
not keep them is closed, as far as that is possible with a status and a sentence.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from headstart.serving.asgi import to_json

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Collection

CONNECTION = "connection"  # where the state of a request's scope has its connection


@dataclass(frozen=True, kw_only=True)
class ConnectionLimits:
    """What a client may do before its request is looked at, and after it was answered.

    Attributes
    ----------
    max_head : bytes of address and headers, and of what frames a body
    max_headers : how many headers a request may have
    max_unread : bytes of a refused body that are passed over, so that a client which writes before it reads sees why
    max_pipelined : requests that wait for the answer to one before them
    max_connections : of one process; beyond it, the one that has waited longest without a whole request is closed
    head_s : from the first byte of a request, or the connection, to the end of its head
    idle_s : between two requests
    refused_s : for the rest of a refused body, and for a client to take its last answer
    """

    max_head: int = 64 << 10
    max_headers: int = 100
    max_unread: int = 32 << 20
    max_pipelined: int = 16
    max_connections: int = 1_000
    head_s: float = 10.0
    idle_s: float = 5.0
    refused_s: float = 2.0


class Connection(HttpToolsProtocol):
    """A client's connection.

    Attributes
    ----------
    task : of the request that is being answered; it is cancelled when the client leaves
    is_lost : whether it has left
    since : when it was last heard of, or began to be waited for, by the clock of the loop
    """

    def __init__(self, *arguments: Any, limits: ConnectionLimits, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._limits = limits
        self._framing = 0  # bytes since something of a body came, or a request was whole
        self._received = 0
        self._unread = 0
        self.headers = []
        self._is_whole = True
        self._n_unsent: float = math.inf
        self.since = self._deadline = 0.0
        self.is_lost = False
        self.task: asyncio.Task[Any] | None = None

    @property
    def is_working(self) -> bool:
        """Whether a request is being answered."""
        return self.cycle is not None and not self.cycle.response_complete

    @property
    def waits_for_client(self) -> bool:
        """Whether the client has to send before anything can go on."""
        return not self.is_working or not self._is_whole

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin, if need be in the place of another connection."""
        has_room = len(self.connections) < self._limits.max_connections or _close_oldest(self.connections)
        super().connection_made(transport)
        self._wait(self._limits.head_s)
        if not has_room:
            self._refuse(503, "the server has as many requests as it can. Ask again later.")

    def connection_lost(self, exc: Exception | None) -> None:
        """End, and with it the work that nobody waits for any more."""
        self.is_lost = True
        super().connection_lost(exc)
        if self.task is not None:
            self.task.cancel()

    def data_received(self, data: bytes) -> None:
        """Hand bytes to the parser, as long as they keep the limits."""
        if self.transport.is_closing():
            return
        self._received = len(data)
        self._framing += self._received
        super().data_received(data)
        if self._framing > self._limits.max_head or len(self.headers) > self._limits.max_headers:
            self._refuse_head()
        elif not self.is_working and not self._is_whole:
            self._unread += len(data)
            if self._unread > self._limits.max_unread:
                self.transport.abort()

    def on_message_begin(self) -> None:
        """Start the clock of a head."""
        super().on_message_begin()
        self.scope["state"][CONNECTION] = self
        self._wait(self._limits.head_s)

    def on_headers_complete(self) -> None:
        """Begin to answer, or hang up on a client that asks without reading."""
        self._check_head()
        if len(self.pipeline) >= self._limits.max_pipelined:
            self.transport.abort()
            raise ValueError
        self._is_whole = False
        self._unread = 0
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Take a part of the body."""
        self._framing = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        """Note that the request is whole, with all its trailers."""
        self._check_head()
        self._framing = 0
        self._is_whole = True
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """Wait for the next request, or for the rest of one that was refused before it was whole."""
        self.task = None
        super().on_response_complete()
        self._wait(self._limits.idle_s if self._is_whole else self._limits.refused_s)

    def send_400_response(self, msg: str) -> None:
        """Refuse what is no request."""
        self._refuse(400, msg.lower())

    def _unsupported_upgrade_warning(self) -> None:
        """Say nothing: what asks for another protocol is answered in this one."""

    def close_if_late(self, now_s: float) -> None:
        """Close a connection that has waited for too long; cut it off if even that takes too long."""
        if now_s <= self._deadline:
            return
        if self.transport.is_closing():
            self._finish_answer()
            return
        if self.is_working:
            return  # the time of a request is its own
        self.transport.close()
        self._wait(self._limits.refused_s)

    def _finish_answer(self) -> None:
        """Cut a connection off, unless its client is still taking the last answer, however slowly."""
        n_unsent = self.transport.get_write_buffer_size()
        if n_unsent < self._n_unsent:
            self._n_unsent = n_unsent
            self._wait(self._limits.refused_s)
        else:
            self.transport.abort()

    def _wait(self, seconds: float) -> None:
        self.since = self.loop.time()
        self._deadline = self.since + seconds

    def _check_head(self) -> None:
        """Break the parser off where a head is too long: it calls whatever is raised an invalid request."""
        # a callback for each header would cost more than all other limits: no head is longer than what has come for it
        may_be_long = self._framing + self._received > self._limits.max_head
        if len(self.headers) > self._limits.max_headers or (may_be_long and self._head_bytes() > self._limits.max_head):
            self._refuse_head()
            raise ValueError

    def _head_bytes(self) -> int:
        return len(self.url) + sum(len(name) + len(value) for name, value in self.headers)

    def _refuse_head(self) -> None:
        self.headers.clear()
        self._refuse(
            431,
            f"address and headers are longer than {self._limits.max_head:,} bytes, or more than "
            f"{self._limits.max_headers} headers. Send fewer.",
        )

    def _refuse(self, status: int, sentence: str) -> None:
        """Answer what never becomes a request; where another request is being answered, only close."""
        if self.transport.is_closing():
            return
        if self.is_working:
            self.transport.abort()
            return
        content = to_json({"error": sentence})
        head = b"content-type: application/json\r\ncontent-length: %d\r\nconnection: close\r\n\r\n" % len(content)
        self.transport.write(STATUS_LINE[status] + head + content)
        self.transport.close()
        self._wait(self._limits.refused_s)


def close_late(connections: Collection[Any], now_s: float) -> None:
    """Close all connections of which the time is over."""
    for one in list(connections):
        one.close_if_late(now_s)


def _close_oldest(connections: set[Any]) -> bool:
    """Make room for a new connection; tell whether there was one that could go."""
    waiting = [one for one in connections if one.waits_for_client]
    if not waiting:
        return False
    oldest = min(waiting, key=lambda one: one.since)
    connections.discard(oldest)
    oldest.transport.abort()
    return True
