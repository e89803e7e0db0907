"""A connection to an MQTT 5 broker: the client's thread, seen from one event loop."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from headstart.core.errors import HeadstartError, OptionError, ServiceError
from headstart.streaming.connectors.messages import service_errors

if TYPE_CHECKING:
    from collections.abc import Callable

    from paho.mqtt.client import Client, MQTTMessage

    from headstart.streaming.address import Address

_PORT, _TLS_PORT, _ANSWER_S, _KEEP_ALIVE_S = 1883, 8883, 10, 30
_FIRST_FAILURE, _NO_SUBSCRIBER, _SESSION_TAKEN_OVER = 0x80, 0x10, 0x8E


class MqttConnection:
    """One connection, which is not made again by itself; acknowledgements are the caller's.

    Parameters
    ----------
    client_id : by which the broker knows the session; empty for one that ends with the connection
    session_s : how long the broker keeps the session without a connection
    window : how many messages the broker may send before the first is acknowledged
    on_message, on_lost : called in the event loop
    """

    def __init__(
        self,
        address: Address,
        *,
        client_id: str = "",
        session_s: int = 0,
        window: int = 20,
        on_message: Callable[[MQTTMessage], None] | None = None,
        on_lost: Callable[[HeadstartError], None] | None = None,
    ) -> None:
        self._address = address
        self._session_s, self._window, self._is_fresh = session_s, window, not client_id
        self._on_message, self._on_lost = on_message, on_lost
        self._loop = asyncio.get_running_loop()
        self._connected: asyncio.Future[None] = self._loop.create_future()
        self._subscribed: dict[int, asyncio.Future[Any]] = {}
        self._published: dict[int, asyncio.Future[Any]] = {}
        self.lost: HeadstartError | None = None
        self._client = self._make_client(client_id)

    def _make_client(self, client_id: str) -> Client:
        from paho.mqtt.client import Client, MQTTv5
        from paho.mqtt.enums import CallbackAPIVersion

        client = Client(
            CallbackAPIVersion.VERSION2,
            client_id=client_id,
            protocol=MQTTv5,
            manual_ack=True,
            reconnect_on_failure=False,
        )
        if self._address.user:
            client.username_pw_set(self._address.user, self._address.password or None)
        if self._address.scheme == "mqtts":
            client.tls_set()
        client.on_connect = self._when_connected
        client.on_disconnect = self._when_disconnected
        client.on_message = self._when_message
        client.on_subscribe = self._when_subscribed
        client.on_publish = self._when_published
        return client

    async def connect(self) -> None:
        """Connect.

        Raises
        ------
        ServiceError
            No answer, or refused.
        """
        from paho.mqtt.packettypes import PacketTypes
        from paho.mqtt.properties import Properties

        place = self._address
        properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
        properties.ReceiveMaximum = self._window
        if self._session_s:
            properties.SessionExpiryInterval = self._session_s
        port = place.port or (_TLS_PORT if place.scheme == "mqtts" else _PORT)
        with service_errors(place, OSError, TimeoutError, ValueError):
            await asyncio.to_thread(
                self._client.connect,
                place.host or "127.0.0.1",
                port,
                keepalive=_KEEP_ALIVE_S,
                clean_start=self._is_fresh,
                properties=properties,
            )
            self._client.loop_start()
            await asyncio.wait_for(self._connected, _ANSWER_S)

    async def subscribe(self, topic: str) -> None:
        """Subscribe with QoS 1; what the broker retains from before is not sent.

        Raises
        ------
        ServiceError
            No answer, or refused.
        """
        from paho.mqtt.subscribeoptions import SubscribeOptions

        options = SubscribeOptions(qos=1, retainHandling=SubscribeOptions.RETAIN_DO_NOT_SEND)
        # answers are looked at in the event loop, so not before they are waited for
        number = self._client.subscribe(topic, options=options)[1]
        answer = self._subscribed[number or 0] = self._loop.create_future()
        with service_errors(self._address, TimeoutError, OSError):
            reasons = await asyncio.wait_for(answer, _ANSWER_S)
        if any(reason.value >= _FIRST_FAILURE for reason in reasons):
            raise ServiceError(f"{self._address.text} refused the subscription to '{topic}' ({reasons[0]})")

    def publish(self, topic: str, body: bytes, headers: dict[str, str], content_type: str) -> asyncio.Future[int]:
        """Publish with QoS 1.

        Returns
        -------
        the broker's reason code, when it has the message
        """
        from paho.mqtt.packettypes import PacketTypes
        from paho.mqtt.properties import Properties

        properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
        properties.ContentType = content_type
        properties.UserProperty = list(headers.items())
        number = self._client.publish(topic, body, qos=1, properties=properties).mid
        answer = self._published[number] = self._loop.create_future()
        return answer

    def acknowledge(self, message: MQTTMessage) -> None:
        """Send the acknowledgement that was held back."""
        self._client.ack(message.mid, message.qos)

    async def close(self) -> None:
        """Leave; the broker keeps the session for as long as was said."""
        self._on_lost = self._on_message = None
        with suppress(Exception):
            self._client.disconnect()
            await asyncio.wait_for(asyncio.to_thread(self._client.loop_stop), _ANSWER_S)

    # what follows is called in the client's thread

    def _when_connected(self, _client: Any, _data: Any, _flags: Any, reason: Any, _properties: Any) -> None:
        if reason.value >= _FIRST_FAILURE:
            self._say(_fail, self._connected, OSError(str(reason)))
        else:
            self._say(_answer, self._connected, None)

    def _when_disconnected(self, _client: Any, _data: Any, _flags: Any, reason: Any, _properties: Any) -> None:
        place = self._address.text
        if getattr(reason, "value", None) == _SESSION_TAKEN_OVER:
            self._say(
                self._set_lost,
                OptionError(f"another program reads {place} under the same name. Give each its own: client=NAME"),
            )
        else:
            self._say(self._set_lost, ServiceError(f"the connection to {place} is lost ({reason})"))

    def _when_message(self, _client: Any, _data: Any, message: MQTTMessage) -> None:
        self._say(self._take, message)

    def _when_subscribed(self, _client: Any, _data: Any, number: int, reasons: Any, _properties: Any) -> None:
        self._say(_answer_one, self._subscribed, number, reasons)

    def _when_published(self, _client: Any, _data: Any, number: int, reason: Any, _properties: Any) -> None:
        self._say(_answer_one, self._published, number, reason.value)

    def _say(self, function: Callable[..., None], *values: Any) -> None:
        with suppress(RuntimeError):  # the event loop has ended
            self._loop.call_soon_threadsafe(function, *values)

    # what follows is called in the event loop

    def _take(self, message: MQTTMessage) -> None:
        if self._on_message is not None:
            self._on_message(message)

    def _set_lost(self, error: HeadstartError) -> None:
        self.lost = error
        for answer in (self._connected, *self._subscribed.values(), *self._published.values()):
            _fail(answer, error)
        if self._on_lost is not None:
            self._on_lost(error)


def is_refused(reason: int) -> bool:
    """Whether the broker did not take a message.

    >>> is_refused(0), is_refused(0x97)
    (False, True)
    """
    return reason >= _FIRST_FAILURE


def had_no_subscriber(reason: int) -> bool:
    """Whether the broker took a message and had no one to keep it for."""
    return reason == _NO_SUBSCRIBER


def _answer_one(waiting: dict[int, asyncio.Future[Any]], number: int, value: Any) -> None:
    if number in waiting:
        _answer(waiting.pop(number), value)


def _answer(future: asyncio.Future[Any], value: Any) -> None:
    if not future.done():
        future.set_result(value)


def _fail(future: asyncio.Future[Any], error: Exception) -> None:
    if not future.done():
        future.set_exception(error)
        future.exception()  # seen: whoever waits gets it all the same
