"""What Prometheus may ask: requests, their time, batches and the queue, by model and version.

Imported only where a server runs: with several workers the counts lie in files that all of them map. A file belongs to a
slot, and the worker that takes the place of another goes on in its files, so that they do not pile up.
"""

from __future__ import annotations

import os
from functools import cache

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest, values
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead

SHARED_FOLDER = "PROMETHEUS_MULTIPROC_DIR"
_SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_SIZES = (1, 2, 4, 8, 16, 32, 64)
_REGISTRY = CollectorRegistry()
_slot: int | str = (
    "supervisor"  # the files that it opens are not those of any worker, which would inherit how far they are filled
)


def take_slot(slot: int) -> None:
    """Count as the worker of a slot from here on; no two that run may have the same."""
    global _slot  # noqa: PLW0603  one process, one slot
    _slot = slot


if os.environ.get(SHARED_FOLDER):
    values.ValueClass = values.MultiProcessValue(lambda: _slot)  # type: ignore[no-untyped-call]

_requests = Counter(
    "headstart_requests",
    "Requests by the status they were answered with; 499 if the client left before.",
    ("model", "version", "status"),
    registry=_REGISTRY,
)
_seconds = Histogram(
    "headstart_request_seconds", "Time to answer.", ("model", "version"), buckets=_SECONDS, registry=_REGISTRY
)
_batch = Histogram(
    "headstart_batch_size", "Items run together.", ("model", "version"), buckets=_SIZES, registry=_REGISTRY
)
_queue = Gauge(
    "headstart_queue_items",
    "Items that wait or run.",
    ("model", "version"),
    registry=_REGISTRY,
    multiprocess_mode="livesum",
)
_lost = Counter(
    "headstart_prediction_log_lost",
    "Answers that the prediction log was to keep and could not.",
    registry=_REGISTRY,
)


class Meters:
    """The figures of one version of a model; `Meters()` are those of requests that name none."""

    def __init__(self, name: str = "", version: str = "") -> None:
        self._requests = cache(lambda status: _requests.labels(name, version, str(status)))
        self._seconds = _seconds.labels(name, version)
        self._queue = _queue.labels(name, version)
        self._n_inside = -1  # what others with these labels have set is not known
        self.observe_batch = _batch.labels(name, version).observe

    def count(self, status: int, seconds: float, n_inside: int = 0) -> None:
        """Count a request that has been answered."""
        self._requests(status).inc()
        self._seconds.observe(seconds)
        if n_inside != self._n_inside:
            self._queue.set(n_inside)
            self._n_inside = n_inside


def exposition() -> bytes:
    """All figures in Prometheus' text format, of all workers."""
    if os.environ.get(SHARED_FOLDER):
        registry = CollectorRegistry()
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
        return generate_latest(registry)
    return generate_latest(_REGISTRY)


def count_lost(n_rows: int) -> None:
    """Count rows that the prediction log lost."""
    _lost.inc(n_rows)


def forget_worker(slot: int) -> None:
    """Let the gauges of a worker that has ended no longer count."""
    mark_process_dead(slot)  # type: ignore[no-untyped-call]
