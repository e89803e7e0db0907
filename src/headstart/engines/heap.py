"""Memory: keep what threads have freed from piling up."""

from __future__ import annotations

import ctypes
import platform
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

# of mallopt(3) in glibc
_M_TRIM_THRESHOLD, _M_TOP_PAD, _M_MMAP_THRESHOLD, _M_ARENA_MAX = -1, -2, -3, -8
_USUAL = {_M_TRIM_THRESHOLD: 2**17, _M_TOP_PAD: 2**17, _M_MMAP_THRESHOLD: 2**17}
_KEEPING = {_M_TRIM_THRESHOLD: 2**31 - 1, _M_TOP_PAD: 2**26, _M_MMAP_THRESHOLD: 2**30}


@cache
def share_one_heap() -> None:
    """Let all threads of the process allocate from one heap, where the C library is glibc.

    It gives each new thread a heap of its own and keeps there what the thread has freed: a fit of 10,000 texts then holds
    a fifth more memory than it uses (docs/log.md). Threads that wait for each other's allocations cost no measurable time
    here, as arrays of some size are allocated apart from the heaps.
    """
    _set({_M_ARENA_MAX: 1})


@contextmanager
def keeping_freed_memory() -> Iterator[None]:
    """Inside the block, use large arrays' memory again rather than give it back to the system after each operation.

    torch allocates and frees arrays of megabytes with every layer; fetching their pages anew each time took more than
    half of the time of a network (docs/log.md). When the block ends, what is free goes back.
    """
    _set(_KEEPING)
    try:
        yield
    finally:
        _set(_USUAL)
        if _is_glibc():
            ctypes.CDLL(None).malloc_trim(0)


def _set(values: dict[int, int]) -> None:
    if _is_glibc():
        for parameter, value in values.items():
            ctypes.CDLL(None).mallopt(parameter, value)


def _is_glibc() -> bool:
    return platform.libc_ver()[0] == "glibc"
