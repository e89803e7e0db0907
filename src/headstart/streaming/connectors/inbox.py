"""Inbox: what a broker has pushed and the loop has not taken yet."""

from __future__ import annotations

import asyncio
from collections import deque
from contextlib import suppress
from typing import Generic, TypeVar

Item = TypeVar("Item")


class Inbox(Generic[Item]):
    """Items in the order in which they came; used within one event loop.

    Attributes
    ----------
    broken : why nothing will come any more; None while all is well
    """

    def __init__(self) -> None:
        self.items: deque[Item] = deque()
        self.broken: BaseException | None = None
        self._changed = asyncio.Event()

    def put(self, item: Item) -> None:
        """Add an item."""
        self.items.append(item)
        self._changed.set()

    def put_broken(self, error: BaseException) -> None:
        """Say that the connection is lost; whoever waits is woken."""
        self.broken = self.broken or error
        self._changed.set()

    async def take(self, n: int, timeout_s: float) -> list[Item]:
        """Wait for at least one item, take at most `n`; none where the time is over.

        Raises
        ------
        BaseException
            The one that `put_broken` was given. What had come before it is dropped: the broker delivers it again.
        """
        if not self.items and self.broken is None:
            self._changed.clear()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._changed.wait(), timeout_s)
        if self.broken is not None:
            raise self.broken
        return [self.items.popleft() for _ in range(min(n, len(self.items)))]
