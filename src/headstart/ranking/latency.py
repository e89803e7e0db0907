"""Latency of one item on this machine."""

from __future__ import annotations

import platform
import time
from typing import TYPE_CHECKING, Any

import numpy as np

from headstart.core.errors import DataError
from headstart.features.embedding import content_keys
from headstart.storage.files import work_folder
from headstart.storage.result_cache import ResultCache

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from headstart.sources import Source

_N_MEASURED = 5


def measure_latency_ms(source: Source, session: Any, items: Sequence[Any]) -> float:
    """Median time for a single item on one thread, including decoding; the first run is a warm-up.

    Raises
    ------
    DataError
        None of the items can be read.
    """
    times_ms: list[float] = []
    for item in items:
        started = time.perf_counter()
        try:
            session.run(None, source.input.transform([item]))
        except DataError:
            continue
        times_ms.append(1000 * (time.perf_counter() - started))
        if len(times_ms) > _N_MEASURED:
            break
    if not times_ms:
        raise DataError(f"none of the first {len(items)} items can be read. Fix or remove them.")
    return float(np.median(times_ms[1:] or times_ms))


def cached_latency_ms(source: Source, items: Sequence[Any], measure: Callable[[], float]) -> float:
    """The result of `measure` for this source, these items and this machine, cached."""
    first = content_keys(items[: _N_MEASURED + 1], source, lambda _position, _error: None)
    key = ("latency", platform.node(), source.digest, first)
    return float(ResultCache(work_folder("results")).get_or_compute(key, lambda: {"ms": np.array(measure())})["ms"])
