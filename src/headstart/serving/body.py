"""Bodies are read within their limit, and those that are held share one bound of memory.

Beyond that bound the largest that is still coming makes way.
"""

from __future__ import annotations

import asyncio
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from headstart.serving.asgi import Disconnected, RequestError, header, small_number

if TYPE_CHECKING:
    from collections.abc import Iterable

    from headstart.serving.asgi import Receive, Scope

_SMALL = 64 << 10  # always taken: the number of connections bounds these


class BodyMemory:
    """The memory that bodies, and what they are read into, may take in this process.

    Parameters
    ----------
    max_bytes : of all of them together
    """

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._held: set[Held] = set()
        self.n_bytes = 0

    def hold(self) -> Held:
        """Begin a request that holds nothing yet; call this in its task."""
        return Held(self, asyncio.current_task())

    def change(self, held: Held, n_bytes: int) -> None:
        """Count what a request holds now.

        Raises
        ------
        RequestError
            429: there is no room for it.
        """
        self._held.add(held)
        self.n_bytes += n_bytes - held.n_bytes
        held.n_bytes = n_bytes
        if self.n_bytes <= self._max_bytes:
            return
        largest = max((one for one in self._held if not one.is_whole), key=lambda one: one.n_bytes, default=held)
        if largest is held or largest.n_bytes <= n_bytes:
            self.release(held)
            raise no_room()
        largest.give_way()

    def release(self, held: Held) -> None:
        """End a request."""
        if held in self._held:
            self._held.remove(held)
            self.n_bytes -= held.n_bytes
            held.n_bytes = 0


@dataclass(eq=False)
class Held:
    """What one request holds.

    Attributes
    ----------
    task : of the request
    is_whole : whether all of its body has come
    has_given_way : whether it was broken off so that others have room
    """

    memory: BodyMemory
    task: asyncio.Task[None] | None
    n_bytes: int = 0
    is_whole: bool = False
    has_given_way: bool = False

    def change(self, n_bytes: int) -> None:
        """Count so many bytes, if they are worth it; `RequestError` 429 where there is no room."""
        if n_bytes > _SMALL or self.n_bytes:
            self.memory.change(self, n_bytes)

    def release(self) -> None:
        """Hold nothing any more."""
        if self.n_bytes:
            self.memory.release(self)

    def give_way(self) -> None:
        """Break the request off; what it holds no longer counts."""
        self.has_given_way = True
        self.release()
        if self.task is not None:
            self.task.cancel()


async def read_body(scope: Scope, receive: Receive, max_bytes: int, held: Held) -> bytes:
    """Read the body, or stop as soon as it is known to be too long.

    Parameters
    ----------
    held : counts what has come

    Raises
    ------
    RequestError
        413: longer than `max_bytes`; 415: it is compressed; 429: bodies of others take the memory there is.
    Disconnected
        The client left.
    """
    if (small_number(header(scope, b"content-length")) or 0) > max_bytes:
        raise _too_long(max_bytes)
    if header(scope, b"content-encoding") not in ("", "identity"):
        raise RequestError(415, "the body is compressed. Send it as it is, without Content-Encoding.")
    chunks: list[bytes] = []
    n_bytes = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Disconnected
        chunk = message.get("body", b"")
        n_bytes += len(chunk)
        if n_bytes > max_bytes:
            raise _too_long(max_bytes)
        chunks.append(chunk)
        held.change(n_bytes)
        if not message.get("more_body"):
            held.is_whole = True
            return chunks[0] if len(chunks) == 1 else b"".join(chunks)


@dataclass(frozen=True)
class Body:
    """The body of one request, to be read once; `held` counts it, and then what it became."""

    scope: Scope
    receive: Receive
    max_bytes: int
    held: Held

    async def read(self) -> bytes:
        """Read it; raises as `read_body` does."""
        return await read_body(self.scope, self.receive, self.max_bytes, self.held)

    def became(self, items: Iterable[Any]) -> None:
        """Count the items in the place of the body: a text may take four bytes a letter, or a photo fewer than its base64.

        Raises
        ------
        RequestError
            429: there is no room for them.
        """
        if self.held.n_bytes:
            self.held.change(sum(map(_size, items)))


def no_room() -> RequestError:
    """Say that the memory for bodies is taken."""
    return RequestError(
        429,
        "the server holds as many bodies as it can. Send smaller ones, or ask again in 1 s.",
        [(b"retry-after", b"1")],
    )


def _size(item: Any) -> int:
    return sum(map(_size, item.values())) if isinstance(item, dict) else sys.getsizeof(item)


def _too_long(max_bytes: int) -> RequestError:
    return RequestError(413, f"the body is longer than {max_bytes:,} bytes. Send fewer or smaller items at once.")
