"""NATS JetStream: `nats://HOST:4222/STREAM?subject=SUBJECT`, through a durable pull consumer."""

from __future__ import annotations

import asyncio
import json
import re
from contextlib import suppress
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import quote

from headstart.core.errors import ServiceError, check_installed
from headstart.streaming.connectors.inbox import Inbox
from headstart.streaming.connectors.messages import (
    Message,
    as_delivery,
    body_of,
    choice_option,
    headers_of,
    number_option,
    service_errors,
)
from headstart.streaming.connectors.nats_connection import ANSWER_S, NatsConnection

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nats.aio.msg import Msg
    from nats.js import JetStreamContext

    from headstart.streaming.address import Address
    from headstart.streaming.record import Delivery, Output

_PULL_EXPIRES_S = 5.0
_REQUEST_IS_OVER = ("404", "408")  # nothing there, or nothing came in time
_MESSAGE_ID = "Nats-Msg-Id"
_SAFE = "".join(chr(code) for code in range(0x21, 0x7F) if chr(code) != "%")

_COMMON = {
    "subject": "subject in the stream; the stream's name if it is not given",
    "create": "1: create the stream if it is missing",
    "tls": "1: encrypt",
}


class Nats:
    """Streams of NATS JetStream."""

    inlet_options: ClassVar[dict[str, str]] = {
        **_COMMON,
        "subject": "only records of this subject, which may hold `*` and `>`; all of the stream if it is not given",
        "durable": "name of the durable consumer that workers share; `headstart` if it is not given",
        "start": "`first`: a new consumer begins with the oldest record, `new`: with the next one",
        "wait_s": "what a worker that died held is given to another after so many seconds; 10 if it is not given",
        "key": f"header with the record's key; `{_MESSAGE_ID}` if it is not given, and else the place in the stream",
    }
    outlet_options: ClassVar[dict[str, str]] = {
        **_COMMON,
        "window_s": "a created stream drops a key that it has seen within so many seconds; 3600 if it is not given",
    }

    def inlet(self, address: Address) -> NatsInlet:
        """Read a stream."""
        address.check_options(self.inlet_options)
        _require()
        return NatsInlet(address)

    def outlet(self, address: Address) -> NatsOutlet:
        """Write to a stream."""
        address.check_options(self.outlet_options)
        _require()
        return NatsOutlet(address)


def _require() -> None:
    check_installed("nats", extra="stream", purpose="A stream of NATS")


class NatsInlet(NatsConnection):
    """Reads by pull requests, one at a time, so that no more is held than was asked for."""

    def __init__(self, address: Address) -> None:
        super().__init__(address)
        self._durable = address.options.get("durable", "headstart")
        self._starts = choice_option(address, "start", ("first", "new"))
        self._wait_s = number_option(address, "wait_s", 10, least=1)
        self._inbox: Inbox[Msg] = Inbox()
        self._held: dict[int, Msg] = {}
        self._left: list[str] = []
        self._n_asked = 0
        self._reply = ""
        self._renewing: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Connect; make the durable consumer."""
        await self.close()
        self._inbox, self._held, self._n_asked = Inbox(), {}, 0
        from nats.errors import Error

        stream = await self._connect()
        client = self._client
        assert client is not None
        try:
            with service_errors(self._address, Error, OSError, TimeoutError):
                await self._make_consumer(stream)
                self._reply = client.new_inbox()
                await client.subscribe(self._reply, cb=self._on_message)
                for place in self._left:  # held when the connection broke: not only after `wait_s`
                    await client.publish(place, b"-NAK")
                self._left = []
        except BaseException:
            await self.close()
            raise
        self._renewing = asyncio.create_task(self._renew())

    async def _make_consumer(self, stream: JetStreamContext) -> None:
        from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy
        from nats.js.errors import NotFoundError

        try:
            await stream.consumer_info(self._stream, self._durable)
        except NotFoundError:
            await stream.add_consumer(
                self._stream,
                ConsumerConfig(
                    durable_name=self._durable,
                    ack_policy=AckPolicy.EXPLICIT,
                    ack_wait=self._wait_s,
                    deliver_policy=DeliverPolicy.ALL if self._starts == "first" else DeliverPolicy.NEW,
                    filter_subject=self._subject or None,
                    max_ack_pending=-1,
                ),
            )

    async def _on_message(self, message: Msg) -> None:
        status = (message.headers or {}).get("Status") if not message.reply else None
        if status in _REQUEST_IS_OVER:
            self._n_asked = 0
            return
        if status:
            why = (message.headers or {}).get("Description", "")
            self._inbox.put_broken(self._lost(f"{status} {why}".strip()))
            return
        self._n_asked = max(self._n_asked - 1, 0)
        self._inbox.put(message)

    async def _on_closed(self) -> None:
        self._inbox.put_broken(self._lost("the connection is closed"))

    def _lost(self, why: str) -> ServiceError:
        return ServiceError(f"the connection to {self._address.text} is lost ({why})")

    async def receive(self, n: int, timeout_s: float) -> Sequence[Delivery]:
        """Wait for at least one record, take at most `n`."""
        if self._client is None or self._client.is_closed:
            raise self._inbox.broken or self._lost("it is not open")
        loop = asyncio.get_running_loop()
        end = loop.time() + timeout_s
        while True:
            if not self._n_asked and len(self._inbox.items) < n:
                await self._ask(n - len(self._inbox.items))
            left_s = max(end - loop.time(), 0.0)
            messages = await self._inbox.take(n, min(left_s, _PULL_EXPIRES_S / 4))
            if messages or left_s <= 0:
                return [self._deliver(message) for message in messages]

    async def _ask(self, n: int) -> None:
        from nats.errors import Error

        assert self._client is not None
        self._n_asked = n
        request = {"batch": n, "expires": int(_PULL_EXPIRES_S * 1e9)}
        with service_errors(self._address, Error, OSError):
            await self._client.publish(
                f"$JS.API.CONSUMER.MSG.NEXT.{self._stream}.{self._durable}", json.dumps(request).encode(), self._reply
            )

    def _deliver(self, message: Msg) -> Delivery:
        place = message.metadata.sequence.stream
        self._held[place] = message
        headers = dict(message.headers or {})
        key = headers.get(_MESSAGE_ID, "") or f"{self._stream}/{place}"
        return as_delivery(
            Message(
                body=message.data,
                headers=headers,
                key=key,
                key_header=self._address.options.get("key", ""),
                time=message.metadata.timestamp.timestamp(),
                token=place,
            )
        )

    async def acknowledge(self, deliveries: Sequence[Delivery]) -> None:
        """Acknowledge, and wait until the server has read it."""
        from nats.errors import Error

        if self._client is None:
            raise self._lost("it is not open")
        with service_errors(self._address, Error, OSError, TimeoutError):
            for delivery in deliveries:
                message = self._held.pop(delivery.token, None)
                if message is not None:
                    await message.ack()
            await self._client.flush(ANSWER_S)

    async def _renew(self) -> None:
        """Tell the server that this worker lives, so that what it holds is not given to another."""
        with suppress(Exception):
            while True:
                await asyncio.sleep(self._wait_s / 3)
                for message in [*self._held.values(), *self._inbox.items]:
                    await message.in_progress()

    async def close(self) -> None:
        """Give back what was not acknowledged."""
        if self._renewing is not None:
            self._renewing.cancel()
            self._renewing = None
        held = [*self._held.values(), *self._inbox.items]
        if self._client is not None and not self._client.is_closed:
            with suppress(Exception):
                for message in held:
                    await message.nak()
                await self._client.flush(1)
        else:
            self._left += [message.reply for message in held]
        self._held.clear()
        self._inbox.items.clear()
        await self._disconnect()


class NatsOutlet(NatsConnection):
    """Writes with the key as message id: within the stream's window a second one is dropped."""

    is_idempotent = True

    def __init__(self, address: Address) -> None:
        super().__init__(address)
        self._window_s = number_option(address, "window_s", 3600, least=1)
        self._jetstream: JetStreamContext | None = None
        self._closed = asyncio.Event()
        self.n_left_out = 0

    async def open(self) -> None:
        """Connect."""
        await self.close()
        self._closed.clear()
        try:
            self._jetstream = await self._connect(window_s=self._window_s)
        except BaseException:
            await self.close()
            raise

    async def send(self, outputs: Sequence[Output]) -> None:
        """Publish all, and wait for the server's word that each is stored."""
        from nats.errors import Error

        if self._jetstream is None or self._client is None or self._client.is_closed:
            raise ServiceError(f"the connection to {self._address.text} is lost")
        sending = asyncio.gather(*(self._publish(output) for output in outputs))
        closing = asyncio.ensure_future(self._closed.wait())
        try:  # the library lets answers that cannot come any more run into their time limit
            await asyncio.wait((sending, closing), return_when=asyncio.FIRST_COMPLETED)
            if not sending.done():
                raise ServiceError(f"the connection to {self._address.text} is lost")
            with service_errors(self._address, Error, OSError, TimeoutError):
                acknowledged = sending.result()
            self.n_left_out += sum(bool(one.duplicate) for one in acknowledged)
        finally:
            closing.cancel()
            sending.cancel()
            await asyncio.gather(sending, closing, return_exceptions=True)

    async def _on_closed(self) -> None:
        self._closed.set()

    async def _publish(self, output: Output) -> Any:
        assert self._jetstream is not None
        headers = {
            re.sub(r"[^!-9;-~]", "-", name): re.sub(r"[\r\n]+", " ", value)
            for name, value in headers_of(output, event_prefix="ce-").items()
        }
        headers |= {_MESSAGE_ID: quote(output.key, safe=_SAFE), "Nats-Expected-Stream": self._stream}
        subject = self._subject or self._stream
        return await self._jetstream.publish(subject, body_of(output), headers=headers)

    async def close(self) -> None:
        """End."""
        self._jetstream = None
        await self._disconnect()
