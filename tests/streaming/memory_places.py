"""Inlets and outlets in memory, which fail when they are told to."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from headstart.core.errors import ServiceError
from headstart.streaming.connector import EndOfStream
from headstart.streaming.record import Delivery, Record


def delivery(number, content="good"):
    return Delivery(record=Record(key=f"r{number}", content=content), token=number, raw=str(content).encode())


@dataclass
class MemoryInlet:
    """Gives deliveries until each is acknowledged; after an open those that were not come again."""

    deliveries: list
    lose_after: list = field(default_factory=list)  # numbers of receives that fail
    refuse_acknowledgements: int = 0
    refuse_opens: int = 0
    ends: bool = True
    opened: int = 0
    n_receives: int = 0
    most_at_once: int = 0
    is_closed: bool = False

    def __post_init__(self):
        self.acknowledged = []
        self.given = 0

    async def open(self):
        if self.refuse_opens:
            self.refuse_opens -= 1
            raise ServiceError("the inlet is away.")
        self.opened += 1
        self.deliveries = [one for one in self.deliveries if one.token not in self.acknowledged]
        self.given = 0

    async def receive(self, n, timeout_s):
        self.n_receives += 1
        if self.lose_after and self.n_receives >= self.lose_after[0]:
            self.lose_after.pop(0)
            raise ServiceError("the connection is lost.")
        some = self.deliveries[self.given : self.given + n]
        self.given += len(some)
        self.most_at_once = max(self.most_at_once, self.given - len(self.acknowledged))
        if some:
            await asyncio.sleep(0)
            return some
        if self.ends and {one.token for one in self.deliveries} <= set(self.acknowledged):
            raise EndOfStream
        await asyncio.sleep(min(timeout_s, 0.01))
        return []

    async def acknowledge(self, deliveries):
        if self.refuse_acknowledgements:
            self.refuse_acknowledgements -= 1
            raise ServiceError("the acknowledgement is lost.")
        self.acknowledged += [one.token for one in deliveries]

    async def close(self):
        self.is_closed = True


@dataclass
class MemoryOutlet:
    """Keeps outputs; fails so many times before it takes a batch, or after it took it."""

    refuse: int = 0
    error: type = ServiceError
    takes_first: bool = False
    slow_s: float = 0.0
    is_idempotent: bool = False

    def __post_init__(self):
        self.outputs = []
        self.sends = []
        self.opened = 0

    async def open(self):
        self.opened += 1

    async def send(self, outputs):
        await asyncio.sleep(self.slow_s)
        self.sends.append([one.key for one in outputs])
        if self.takes_first or not self.refuse:
            self.outputs += outputs
        if self.refuse:
            self.refuse -= 1
            raise self.error("the outlet is away.")

    async def close(self):
        pass

    @property
    def keys(self):
        return [one.key for one in self.outputs]
