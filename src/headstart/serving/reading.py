"""Bodies are read on the loop while that takes no time to speak of, and on one thread beside it otherwise."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")
_INLINE_BYTES = 256 << 10  # read in at most some milliseconds, whatever they are


async def off_loop(work: Callable[[], T], n_bytes: int) -> T:
    """Do what costs as much as reading `n_bytes` does, without keeping the loop from other requests."""
    if n_bytes <= _INLINE_BYTES:
        return work()
    return await asyncio.get_running_loop().run_in_executor(_thread(), work)


@cache
def _thread() -> ThreadPoolExecutor:
    """One thread, so that one large body at a time is in memory both as bytes and as objects."""
    return ThreadPoolExecutor(1, thread_name_prefix="headstart-read")
