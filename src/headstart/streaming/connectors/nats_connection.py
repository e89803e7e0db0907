"""A connection to a NATS server, and the stream that it is for."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from headstart.streaming.connectors.messages import flag_option, missing, need_name, service_errors

if TYPE_CHECKING:
    from nats.aio.client import Client
    from nats.js import JetStreamContext

    from headstart.streaming.address import Address

_PORT, _CONNECT_S, ANSWER_S = 4222, 5, 10
_WINDOW_S = 120.0  # the server's own default


class NatsConnection:
    """A connection that is not made again by itself: the loop opens it again."""

    def __init__(self, address: Address) -> None:
        self._address = address
        self._stream = need_name(address, "stream")
        self._subject = address.options.get("subject", "")
        self._creates = flag_option(address, "create")
        self._tls = flag_option(address, "tls")
        self._client: Client | None = None

    async def _connect(self, *, window_s: float = _WINDOW_S) -> JetStreamContext:
        import nats
        from nats.errors import Error
        from nats.js.api import StreamConfig
        from nats.js.errors import NotFoundError

        place, scheme = self._address, "tls" if self._tls else "nats"
        host = f"[{place.host}]" if ":" in place.host else place.host or "127.0.0.1"
        with service_errors(place, Error, OSError, TimeoutError):
            self._client = await nats.connect(
                f"{scheme}://{host}:{place.port or _PORT}",
                user=place.user or None,
                password=place.password or None,
                allow_reconnect=False,
                max_reconnect_attempts=1,  # of the first connection: without it the library tries for two minutes
                reconnect_time_wait=0.1,
                connect_timeout=_CONNECT_S,
                error_cb=_ignore,
                closed_cb=self._on_closed,
            )
            stream = self._client.jetstream(timeout=ANSWER_S)
            try:
                await stream.stream_info(self._stream)
            except NotFoundError:
                if not self._creates:
                    raise missing(place, "stream") from None
                await stream.add_stream(
                    StreamConfig(name=self._stream, subjects=[self._subject or self._stream], duplicate_window=window_s)
                )
        return stream

    async def _on_closed(self) -> None:
        """Hook: the connection is gone."""

    async def _disconnect(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            with suppress(Exception):
                await client.close()


async def _ignore(_error: Exception) -> None:
    """Leave errors to the calls that meet them."""
