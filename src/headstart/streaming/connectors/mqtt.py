"""MQTT 5: `mqtt://HOST:1883/TOPIC`, QoS 1, with a session that the broker keeps and acknowledgements that are held back."""

from __future__ import annotations

import asyncio
import secrets
from contextlib import suppress
from typing import TYPE_CHECKING, ClassVar

from headstart.core.errors import OptionError, ServiceError, check_installed
from headstart.streaming.connectors.inbox import Inbox
from headstart.streaming.connectors.messages import (
    CONTENT_TYPE,
    EVENT_PREFIX,
    Message,
    as_delivery,
    body_of,
    flag_option,
    headers_of,
    need_name,
    number_option,
    service_errors,
)
from headstart.streaming.connectors.mqtt_client import MqttConnection, had_no_subscriber, is_refused

if TYPE_CHECKING:
    from collections.abc import Sequence

    from paho.mqtt.client import MQTTMessage

    from headstart.streaming.address import Address
    from headstart.streaming.record import Delivery, Output

_ANSWER_S = 30
_EVENT_ATTRIBUTES = ("specversion", "id", "source", "type", "subject", "time", "dataschema", "partitionkey")


class Mqtt:
    """Topics of an MQTT 5 broker."""

    inlet_options: ClassVar[dict[str, str]] = {
        "client": "name of the session; made of the topic if it is not given. Each program that reads a topic needs its own",
        "group": "programs of this name share the topic (a shared subscription); so do several workers of one program",
        "session_s": "how long the broker keeps what comes while no worker is there; 604800, a week, if it is not given",
        "prefetch": "how many records a worker holds at most; 256 if it is not given",
        "key": "user property with the record's key; `key` if it is not given",
    }
    outlet_options: ClassVar[dict[str, str]] = {
        "kept": "1: fail where no session is there to keep the output; the broker throws it away otherwise",
    }

    def inlet(self, address: Address) -> MqttInlet:
        """Read a topic, in which `+` and `#` (written `%23`) may stand."""
        address.check_options(self.inlet_options)
        _require()
        return MqttInlet(address)

    def outlet(self, address: Address) -> MqttOutlet:
        """Write to a topic."""
        address.check_options(self.outlet_options)
        _require()
        return MqttOutlet(address)


def _require() -> None:
    check_installed("paho", extra="stream", purpose="A topic of MQTT")


class MqttInlet:
    """Reads with a session that outlives the connection: what was not acknowledged is sent again when it is made anew."""

    def __init__(self, address: Address) -> None:
        self._address = address
        topic = need_name(address, "topic")
        group = address.options.get("group", "headstart" if address.n_workers > 1 else "")
        self._topic = f"$share/{group}/{topic}" if group else topic
        self._client_id = address.options.get("client", "") or f"headstart-{topic}"
        if address.n_workers > 1:
            self._client_id += f"-{address.worker}"
        self._session_s = int(number_option(address, "session_s", 604_800, least=1))
        self._prefetch = int(number_option(address, "prefetch", 256, least=1))
        if self._prefetch > 65_535:
            raise OptionError(f"prefetch={self._prefetch} in {address.text}: expected at most 65535.")
        self._inbox: Inbox[MQTTMessage] = Inbox()
        self._connection: MqttConnection | None = None

    async def open(self) -> None:
        """Connect; subscribe."""
        await self.close()
        self._inbox = Inbox()
        self._connection = MqttConnection(
            self._address,
            client_id=self._client_id,
            session_s=self._session_s,
            window=self._prefetch,
            on_message=self._inbox.put,
            on_lost=self._inbox.put_broken,
        )
        try:
            await self._connection.connect()
            await self._connection.subscribe(self._topic)
        except BaseException:
            await self.close()
            raise

    async def receive(self, n: int, timeout_s: float) -> Sequence[Delivery]:
        """Wait for at least one record, take at most `n`."""
        self._connected()
        return [self._deliver(message) for message in await self._inbox.take(n, timeout_s)]

    def _deliver(self, message: MQTTMessage) -> Delivery:
        properties = message.properties
        headers = dict(getattr(properties, "UserProperty", ()))
        if "specversion" in headers:  # MQTT's binding of CloudEvents gives the attributes no prefix
            headers = {_event_name(name): value for name, value in headers.items()}
        if content_type := getattr(properties, "ContentType", ""):
            headers[CONTENT_TYPE] = content_type
        return as_delivery(
            Message(
                body=bytes(message.payload),
                headers=headers,
                key=secrets.token_hex(16),
                key_header=self._address.options.get("key", ""),
                partition=message.topic,
                token=message,
            )
        )

    async def acknowledge(self, deliveries: Sequence[Delivery]) -> None:
        """Send the acknowledgements."""
        connection = self._connected()
        for delivery in deliveries:
            connection.acknowledge(delivery.token)

    def _connected(self) -> MqttConnection:
        if self._connection is None:
            raise ServiceError(f"the connection to {self._address.text} is not open")
        if self._connection.lost is not None:
            raise self._connection.lost
        return self._connection

    async def close(self) -> None:
        """Leave; the session keeps what was not acknowledged."""
        connection, self._connection = self._connection, None
        self._inbox.items.clear()
        if connection is not None:
            with suppress(Exception):
                await connection.close()


def _event_name(name: str) -> str:
    return EVENT_PREFIX + name if name in _EVENT_ATTRIBUTES else name


class MqttOutlet:
    """Waits until the broker has each message; the broker drops none that it has seen before."""

    is_idempotent = False

    def __init__(self, address: Address) -> None:
        self._address = address
        self._topic = need_name(address, "topic")
        if set(self._topic) & set("+#"):
            raise OptionError(f"{address.text}: nothing can be written to a topic with + or #. Name one topic.")
        self._must_be_kept = flag_option(address, "kept")
        self._connection: MqttConnection | None = None

    async def open(self) -> None:
        """Connect."""
        await self.close()
        self._connection = MqttConnection(self._address)
        try:
            await self._connection.connect()
        except BaseException:
            await self.close()
            raise

    async def send(self, outputs: Sequence[Output]) -> None:
        """Publish all, and wait for the broker's acknowledgement of each."""
        connection, place = self._connection, self._address
        if connection is None or connection.lost is not None:
            raise ServiceError(f"the connection to {place.text} is lost")
        answers = []
        for output in outputs:
            headers = headers_of(output, event_prefix="")
            content_type = headers.pop(CONTENT_TYPE)
            answers.append(connection.publish(self._topic, body_of(output), headers, content_type))
        with service_errors(place, TimeoutError, OSError):
            reasons = await asyncio.wait_for(asyncio.gather(*answers), _ANSWER_S)
        if any(map(is_refused, reasons)):
            raise ServiceError(f"{place.text} refused {sum(map(is_refused, reasons))} of {len(reasons)} outputs")
        if self._must_be_kept and any(map(had_no_subscriber, reasons)):
            raise ServiceError(
                f"{place.text} keeps no output: no one has subscribed to '{self._topic}'. Start the reader first."
            )

    async def close(self) -> None:
        """End."""
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(Exception):
                await connection.close()
