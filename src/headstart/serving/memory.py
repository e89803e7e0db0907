"""Bodies that are held share one bound of memory: beyond it the largest that is still coming makes way."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from headstart.serving.asgi import RequestError

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
    n_bytes: int = field(default=0)
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


def no_room() -> RequestError:
    """Say that the memory for bodies is taken."""
    return RequestError(
        429,
        "the server holds as many bodies as it can. Send smaller ones, or ask again in 1 s.",
        [(b"retry-after", b"1")],
    )
