"""How many threads work, set on purpose: two libraries that each take every core make both many times slower."""

from __future__ import annotations

import importlib
import os
import threading
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING

from headstart.core.errors import OptionError

if TYPE_CHECKING:
    from collections.abc import Iterator


def n_threads() -> int:
    """Count the threads to use: `HEADSTART_THREADS`, else the cores that this process may run on.

    Raises
    ------
    OptionError
        `HEADSTART_THREADS` is not a positive whole number.
    """
    wanted = os.environ.get("HEADSTART_THREADS")
    if not wanted:
        return _n_cores()
    if not wanted.isdecimal() or int(wanted) < 1:
        raise OptionError(f"HEADSTART_THREADS must be a whole number from 1, not '{wanted}'. Correct it or unset it.")
    return int(wanted)


@contextmanager
def core() -> Iterator[None]:
    """Work as one of at most `n_threads()` threads of the process; wait where all of them are at work.

    Batches of one step and the whole of another that runs beside it take turns on the cores rather than crowd them.
    """
    with _cores(n_threads()):
        yield


@contextmanager
def limit(n: int) -> Iterator[None]:
    """Hold BLAS and OpenMP to `n` threads inside the block, in the whole process, as far as they are loaded."""
    try:
        threadpoolctl = importlib.import_module("threadpoolctl")
    except ModuleNotFoundError:
        yield
        return
    with threadpoolctl.threadpool_limits(limits=n):
        yield


@contextmanager
def limit_torch(n: int) -> Iterator[None]:
    """Hold torch to `n` threads inside the block; `limit` leaves torch alone, so that neither disturbs the other."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(n)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@cache
def _cores(n: int) -> threading.BoundedSemaphore:
    return threading.BoundedSemaphore(n)


def _n_cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
