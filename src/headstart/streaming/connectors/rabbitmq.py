"""RabbitMQ: `amqp://USER:PASSWORD@HOST:5672/QUEUE`, with manual acknowledgement, and publisher confirms."""

from __future__ import annotations

import asyncio
import secrets
from contextlib import suppress
from typing import TYPE_CHECKING, Any, ClassVar

from headstart.core.errors import OptionError, ServiceError, check_installed
from headstart.streaming.connectors.inbox import Inbox
from headstart.streaming.connectors.messages import (
    CONTENT_TYPE,
    Message,
    as_delivery,
    body_of,
    choice_option,
    flag_option,
    headers_of,
    missing,
    need_name,
    number_option,
    service_errors,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aio_pika.abc import (
        AbstractChannel,
        AbstractConnection,
        AbstractExchange,
        AbstractIncomingMessage,
        AbstractQueue,
    )

    from headstart.streaming.address import Address
    from headstart.streaming.record import Delivery, Output

_PORT, _TLS_PORT, _CONNECT_S, _ANSWER_S = 5672, 5671, 5, 30

_COMMON = {
    "create": "1: create the queue if it is missing",
    "type": "of a created queue: `quorum`, kept on several servers where there are several, or `classic`",
    "vhost": "virtual host; `/` if it is not given",
}


class RabbitMq:
    """Queues of RabbitMQ."""

    inlet_options: ClassVar[dict[str, str]] = {
        **_COMMON,
        "prefetch": "how many records a worker holds at most; 256 if it is not given",
        "key": "header with the record's key; the message id if it is not given",
    }
    outlet_options: ClassVar[dict[str, str]] = {
        **_COMMON,
        "exchange": "publish to this exchange, with the queue's name as routing key; the default one if it is not given",
    }

    def inlet(self, address: Address) -> RabbitMqInlet:
        """Read a queue."""
        address.check_options(self.inlet_options)
        _require()
        return RabbitMqInlet(address)

    def outlet(self, address: Address) -> RabbitMqOutlet:
        """Write to a queue, or to an exchange."""
        address.check_options(self.outlet_options)
        _require()
        return RabbitMqOutlet(address)


def _require() -> None:
    check_installed("aio_pika", extra="stream", purpose="A queue of RabbitMQ")


def _errors(address: Address) -> Any:
    from aio_pika.exceptions import AMQPError

    return service_errors(address, AMQPError, OSError, TimeoutError, RuntimeError, asyncio.InvalidStateError)


class _Connection:
    """A connection that is not made again by itself: the loop opens it again."""

    def __init__(self, address: Address) -> None:
        self._address = address
        self._name = need_name(address, "queue")
        self._creates = flag_option(address, "create")
        self._type = choice_option(address, "type", ("quorum", "classic"))
        self._connection: AbstractConnection | None = None
        self._channel: AbstractChannel | None = None
        self._lost: ServiceError | None = None

    async def _connect(self) -> AbstractChannel:
        import aio_pika

        place, is_encrypted = self._address, self._address.scheme == "amqps"
        self._lost = None
        with _errors(place):
            self._connection = await aio_pika.connect(
                host=place.host or "127.0.0.1",
                port=place.port or (_TLS_PORT if is_encrypted else _PORT),
                login=place.user or "guest",
                password=place.password or "guest",
                virtualhost=place.options.get("vhost", "/"),
                ssl=is_encrypted,
                timeout=_CONNECT_S,
            )
            return await self._new_channel()

    async def _new_channel(self) -> AbstractChannel:
        assert self._connection is not None
        self._channel = await self._connection.channel(publisher_confirms=True, on_return_raises=True)
        self._channel.close_callbacks.add(self._on_closed)
        return self._channel

    async def _find_queue(self) -> AbstractQueue:
        """Declare the queue if it is missing and may be created."""
        from aio_pika.exceptions import ChannelNotFoundEntity

        assert self._channel is not None
        channel = self._channel
        channel.close_callbacks.discard(self._on_closed)  # a missing queue closes its channel
        with _errors(self._address):
            try:
                queue = await channel.declare_queue(self._name, passive=True)
            except ChannelNotFoundEntity:
                if not self._creates:
                    raise missing(self._address, "queue") from None
                channel = await self._new_channel()
                queue = await channel.declare_queue(self._name, durable=True, arguments={"x-queue-type": self._type})
        channel.close_callbacks.add(self._on_closed)
        return queue

    def _on_closed(self, _channel: Any, error: BaseException | None) -> None:
        self._lost = ServiceError(f"the connection to {self._address.text} is lost ({error or 'closed'})")

    def _connected(self) -> AbstractChannel:
        if self._channel is None or self._channel.is_closed or self._lost is not None:
            raise self._lost or ServiceError(f"the connection to {self._address.text} is not open")
        return self._channel

    async def _disconnect(self) -> None:
        connection, self._connection, self._channel = self._connection, None, None
        if connection is not None:
            with suppress(Exception):
                await asyncio.wait_for(connection.close(), _CONNECT_S)


class RabbitMqInlet(_Connection):
    """Is pushed at most `prefetch` records that it has not acknowledged; what it did not, another gets when it is gone."""

    def __init__(self, address: Address) -> None:
        super().__init__(address)
        self._prefetch = int(number_option(address, "prefetch", 256, least=1))
        if self._prefetch > 65_535:
            raise OptionError(f"prefetch={self._prefetch} in {address.text}: expected at most 65535.")
        self._inbox: Inbox[AbstractIncomingMessage] = Inbox()

    async def open(self) -> None:
        """Connect; begin to consume."""
        await self.close()
        self._inbox = Inbox()
        try:
            await self._connect()
            queue = await self._find_queue()
            with _errors(self._address):
                await self._connected().set_qos(prefetch_count=self._prefetch)
                await queue.consume(self._on_message, no_ack=False)
        except BaseException:
            await self._disconnect()
            raise

    async def _on_message(self, message: AbstractIncomingMessage) -> None:
        self._inbox.put(message)

    def _on_closed(self, _channel: Any, error: BaseException | None) -> None:
        super()._on_closed(_channel, error)
        assert self._lost is not None
        self._inbox.put_broken(self._lost)

    async def receive(self, n: int, timeout_s: float) -> Sequence[Delivery]:
        """Wait for at least one record, take at most `n`."""
        self._connected()
        return [self._deliver(message) for message in await self._inbox.take(n, timeout_s)]

    def _deliver(self, message: AbstractIncomingMessage) -> Delivery:
        headers = {name: _text(value) for name, value in message.headers.items()}
        if message.content_type:
            headers[CONTENT_TYPE] = message.content_type
        return as_delivery(
            Message(
                body=message.body,
                headers=headers,
                key=message.message_id or secrets.token_hex(16),
                key_header=self._address.options.get("key", ""),
                time=message.timestamp.timestamp() if message.timestamp else None,
                token=message,
            )
        )

    async def acknowledge(self, deliveries: Sequence[Delivery]) -> None:
        """Acknowledge each."""
        self._connected()
        with _errors(self._address):
            for delivery in deliveries:
                await delivery.token.ack()

    async def close(self) -> None:
        """Leave; the broker gives what was not acknowledged to others."""
        self._inbox.items.clear()
        await self._disconnect()


def _text(value: Any) -> str:
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value)


class RabbitMqOutlet(_Connection):
    """Waits for the broker's confirmation of every message; the broker drops none that it has seen before."""

    is_idempotent = False

    def __init__(self, address: Address) -> None:
        super().__init__(address)
        self._exchange_name = address.options.get("exchange", "")
        self._exchange: AbstractExchange | None = None

    async def open(self) -> None:
        """Connect; find the queue or the exchange."""
        from aio_pika.exceptions import ChannelNotFoundEntity

        await self.close()
        try:
            channel = await self._connect()
            if self._exchange_name:
                with _errors(self._address):
                    try:
                        self._exchange = await channel.get_exchange(self._exchange_name, ensure=True)
                    except ChannelNotFoundEntity:
                        raise OptionError(
                            f"there is no exchange '{self._exchange_name}' at {self._address.text}. Declare it first."
                        ) from None
            else:
                await self._find_queue()
                self._exchange = self._connected().default_exchange
        except BaseException:
            await self.close()
            raise

    async def send(self, outputs: Sequence[Output]) -> None:
        """Publish all, and wait until the broker has stored each."""
        self._connected()
        with _errors(self._address):
            await asyncio.wait_for(asyncio.gather(*(self._publish(output) for output in outputs)), _ANSWER_S)

    async def _publish(self, output: Output) -> None:
        from aio_pika import DeliveryMode
        from aio_pika import Message as AmqpMessage

        assert self._exchange is not None
        headers = headers_of(output, event_prefix="cloudEvents:")
        message = AmqpMessage(
            body_of(output),
            content_type=headers.pop(CONTENT_TYPE),
            headers=dict(headers),
            message_id=output.key,
            delivery_mode=DeliveryMode.PERSISTENT,
        )
        await self._exchange.publish(message, routing_key=self._name, mandatory=True)

    async def close(self) -> None:
        """End."""
        self._exchange = None
        await self._disconnect()
