"""How many threads work, set on purpose: two libraries that each take every core make both many times slower."""

from __future__ import annotations

import importlib
import os
import sys
from contextlib import ExitStack, contextmanager
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
def limit(n: int) -> Iterator[None]:
    """Hold BLAS, OpenMP and torch to `n` threads inside the block, as far as they are loaded."""
    with ExitStack() as stack:
        stack.enter_context(_blas_limit(n))
        torch = sys.modules.get("torch")
        if torch is not None:
            stack.callback(torch.set_num_threads, torch.get_num_threads())
            torch.set_num_threads(n)
        yield


@contextmanager
def _blas_limit(n: int) -> Iterator[None]:
    try:
        threadpoolctl = importlib.import_module("threadpoolctl")
    except ModuleNotFoundError:
        yield
        return
    with threadpoolctl.threadpool_limits(limits=n):
        yield


def _n_cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
