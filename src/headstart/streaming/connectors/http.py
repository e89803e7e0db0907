"""HTTP: server-sent events in, JSON lines by POST out."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import http.client
import json
import secrets
import socket
import ssl
import time
from collections import deque
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import quote, urlencode

from headstart.core.errors import OptionError, ServiceError, first_line
from headstart.streaming.cloud_events import STRUCTURED
from headstart.streaming.connector import EndOfStream
from headstart.streaming.journal import Journal
from headstart.streaming.json_lines import line_of
from headstart.streaming.pump import Pump
from headstart.streaming.record import Delivery, Record
from headstart.streaming.server_sent import events_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from headstart.streaming.address import Address
    from headstart.streaming.connector import Inlet, Outlet
    from headstart.streaming.record import Output
    from headstart.streaming.server_sent import ServerSentEvent

_TIMEOUT_S = 30.0
_CHUNK_BYTES = 1 << 16
_ANSWER_S, _MAX_ANSWER_BYTES = 1.0, 1 << 20  # of an answer's body, which nobody reads
_BUSY = (408, 425, 429)


class AnyOption(dict[str, str]):
    """What follows `?` is the server's, whatever it is called."""

    def __contains__(self, name: object) -> bool:
        return True


class Http:
    """The connector."""

    inlet_options: ClassVar[dict[str, str]] = AnyOption()
    outlet_options: ClassVar[dict[str, str]] = AnyOption()

    def inlet(self, address: Address) -> Inlet:
        """Listen to server-sent events."""
        if address.n_workers > 1:
            raise OptionError(f"every worker would hear all events of {address.text}. Leave --workers out.")
        return EventsInlet(address)

    def outlet(self, address: Address) -> Outlet:
        """Post outputs."""
        return PostOutlet(address)


class EventsInlet:
    """Events, one a record; after a reconnect the server is asked to go on after the last that was acknowledged."""

    def __init__(self, address: Address) -> None:
        self._address = address
        self._journal = Journal(address.state, address.text)
        self._pump: Pump[ServerSentEvent] | None = None
        self._connection: http.client.HTTPConnection | None = None
        self._socket: socket.socket | None = None
        self._response: http.client.HTTPResponse | None = None
        self._is_over = False
        self._run = secrets.token_hex(4)
        self._n = 0
        self._given: deque[list[Any]] = deque()  # [id, is done]

    async def open(self) -> None:
        """Ask for the events."""
        await self.close()
        last_id = str(self._journal.load().get("last_id", ""))
        response = await asyncio.to_thread(self._ask, last_id)
        self._is_over = response.status == 204
        self._pump = Pump(lambda: events_of(_chunks(response, self._address.text), last_id), max_waiting=256)

    async def receive(self, n: int, timeout_s: float) -> Sequence[Delivery]:
        """Take events."""
        assert self._pump is not None
        try:
            return [self._delivery(one) for one in await self._pump.get(n, timeout_s)]
        except EndOfStream:
            if self._is_over:
                raise
            raise ServiceError(f"{self._address.text} has ended the connection.") from None

    async def acknowledge(self, deliveries: Sequence[Delivery]) -> None:
        """Remember the id up to which everything is done."""
        for one in deliveries:
            one.token[1] = True
        last_id = None
        while self._given and self._given[0][1]:
            last_id = self._given.popleft()[0] or last_id
        if last_id is not None:
            self._journal.save({"last_id": last_id})

    async def close(self) -> None:
        """End the connection."""
        self._given.clear()
        if self._pump is not None:
            self._pump.close()
        if self._socket is not None:
            with suppress(OSError):
                self._socket.shutdown(socket.SHUT_RDWR)  # the thread that reads from it ends
        if self._response is not None:
            self._response.close()
        if self._connection is not None:
            self._connection.close()
        if self._socket is not None:
            self._socket.close()
        self._pump = self._response = self._connection = self._socket = None

    def _ask(self, last_id: str) -> http.client.HTTPResponse:
        self._connection = _connection(self._address)
        headers = {"Accept": "text/event-stream", "Cache-Control": "no-store", **_authorization(self._address)}
        if last_id:
            headers["Last-Event-ID"] = last_id
        with _service_errors(self._address):
            self._connection.connect()
        self._socket = self._connection.sock  # the connection itself forgets it where the server will close it
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        self._response = response = _response(self._connection, "GET", self._address, headers)
        kind = response.getheader("content-type", "")
        if response.status == 200 and kind.partition(";")[0].strip().lower() != "text/event-stream":
            raise OptionError(f"{self._address.text} gives '{kind[:60]}', not server-sent events (text/event-stream).")
        self._socket.settimeout(None)  # events may be hours apart
        return response

    def _delivery(self, event: ServerSentEvent) -> Delivery:
        self._n += 1
        key = event.id or f"{self._address.path}-{self._run}-{self._n}"
        token = [event.id, False]
        self._given.append(token)
        content: Any = event.data.encode() if event.data[:1] == "{" else event.data
        record = Record(key=key, content=content, attributes={"event": event.type})
        return Delivery(record=record, token=token, raw=event.data.encode(), error=event.error)


class PostOutlet:
    """JSON lines, a batch a request; its `Idempotency-Key` is the same when the same batch is sent again.

    Events in structured form are sent as a batch of CloudEvents.
    """

    is_idempotent = False

    def __init__(self, address: Address) -> None:
        self._address = address
        self._connection: http.client.HTTPConnection | None = None

    async def open(self) -> None:
        """Connect with the first batch."""

    async def send(self, outputs: Sequence[Output]) -> None:
        """Post outputs."""
        await asyncio.to_thread(self._post, outputs)

    async def close(self) -> None:
        """End the connection."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _post(self, outputs: Sequence[Output]) -> None:
        is_events = all(one.attributes.get("content-type") == STRUCTURED for one in outputs)
        lines = [line_of(one.value) for one in outputs]
        body = b"[" + b",".join(lines) + b"]" if is_events else b"".join(lines)
        keys = hashlib.sha256(json.dumps([one.key for one in outputs]).encode()).hexdigest()[:32]
        headers = {
            "Content-Type": "application/cloudevents-batch+json" if is_events else "application/x-ndjson",
            "Idempotency-Key": f'"{keys}"',
            **_authorization(self._address),
        }
        was_open = self._connection is not None
        self._connection = self._connection or _connection(self._address)
        try:
            response = _response(self._connection, "POST", self._address, headers, body)
        except ServiceError:
            self._connection.close()
            self._connection = None
            if not was_open:
                raise
            self._post(outputs)  # a server may close a connection that was idle
            return
        if not _is_finished(response):
            self._connection.close()
            self._connection = None


def _connection(address: Address) -> http.client.HTTPConnection:
    if not address.host:
        raise OptionError(f"{address.text} names no host. Write {address.scheme}://HOST:PORT/PATH.")
    if address.scheme == "https":
        context = ssl.create_default_context()
        return http.client.HTTPSConnection(address.host, address.port, timeout=_TIMEOUT_S, context=context)
    return http.client.HTTPConnection(address.host, address.port, timeout=_TIMEOUT_S)


def _response(
    connection: http.client.HTTPConnection, method: str, address: Address, headers: dict[str, str], body: bytes = b""
) -> http.client.HTTPResponse:
    """Ask, and give an answer that is good.

    Raises
    ------
    ServiceError
        No answer, or the server is busy or broken.
    OptionError
        The server refuses.
    """
    target = "/" + quote(address.path) + (f"?{urlencode(address.options)}" if address.options else "")
    with _service_errors(address):
        connection.request(method, target, body or None, headers)
        response = connection.getresponse()
        if response.status < 300:
            return response
        with response:
            said = " ".join(response.read1(400).decode("utf-8", "replace").split())[:120]
    if response.status >= 500 or response.status in _BUSY:
        raise ServiceError(f"{address.text} answers {response.status} ({said}).")
    raise OptionError(f"{address.text} refuses: {response.status} {response.reason} ({said}). Check the address.")


def _is_finished(response: http.client.HTTPResponse) -> bool:
    """Whether an answer, which is good, was read to its end, so that its connection can be used again; not where it is long, slow or broken."""
    end, n_bytes = time.monotonic() + _ANSWER_S, 0
    try:
        while chunk := response.read1(_CHUNK_BYTES):
            n_bytes += len(chunk)
            if n_bytes > _MAX_ANSWER_BYTES or time.monotonic() > end:
                return False
    except (OSError, ValueError, http.client.HTTPException):
        return False
    return response.isclosed()


@contextmanager
def _service_errors(address: Address) -> Iterator[None]:
    """Say that a server does not answer."""
    try:
        yield
    except (OSError, http.client.HTTPException) as error:
        raise ServiceError(f"{address.text} does not answer ({first_line(error)}).") from error


def _chunks(response: http.client.HTTPResponse, shown: str) -> Iterator[bytes]:
    try:
        while chunk := response.read1(_CHUNK_BYTES):
            yield chunk
    except (OSError, ValueError, AttributeError, http.client.HTTPException) as error:
        raise ServiceError(f"{shown} has broken the connection ({first_line(error)}).") from error
    finally:
        response.close()


def _authorization(address: Address) -> dict[str, str]:
    if not address.user:
        return {}
    packed = base64.b64encode(f"{address.user}:{address.password}".encode()).decode()
    return {"Authorization": f"Basic {packed}"}
