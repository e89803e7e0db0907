"""A connection to a Redis server, and the stream that it is for."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from headstart.core.errors import ServiceError
from headstart.streaming.connectors.messages import flag_option, missing, need_name, number_option, service_errors

if TYPE_CHECKING:
    from headstart.streaming.address import Address

_PORT, CONNECT_S, ANSWER_S = 6379, 5, 30


class RedisConnection:
    """A connection that is not made again by itself: the loop opens it again."""

    def __init__(self, address: Address) -> None:
        self._address = address
        self._stream = need_name(address, "stream")
        self._creates = flag_option(address, "create")
        self._db = int(number_option(address, "db", 0))
        self._client: Any = None

    async def _connect(self) -> Any:
        from redis.asyncio import Redis as Client
        from redis.asyncio.retry import Retry
        from redis.backoff import NoBackoff

        place = self._address
        self._client = Client(
            host=place.host or "127.0.0.1",
            port=place.port or _PORT,
            db=self._db,
            username=place.user or None,
            password=place.password or None,
            ssl=place.scheme == "rediss",
            socket_connect_timeout=CONNECT_S,
            socket_timeout=ANSWER_S,
            retry=Retry(NoBackoff(), 0),
        )
        with redis_errors(place):
            exists = await self._client.exists(self._stream)
        if not exists and not self._creates:
            raise missing(place, "stream")
        return self._client

    def _connected(self) -> Any:
        if self._client is None:
            raise ServiceError(f"the connection to {self._address.text} is not open")
        return self._client

    async def _disconnect(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            with suppress(Exception):
                await client.aclose()


def redis_errors(address: Address) -> Any:
    """Turn the library's errors into a `ServiceError`."""
    from redis.exceptions import RedisError

    return service_errors(address, RedisError, OSError, TimeoutError)
