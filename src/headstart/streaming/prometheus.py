"""Figures of a stream for Prometheus, on this machine's own address; of several workers together."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

from headstart.core.errors import OptionError, first_line

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

SHARED_FOLDER = "PROMETHEUS_MULTIPROC_DIR"
_HERE = "127.0.0.1"
_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 60.0)


class PrometheusMeter:
    """Counts for Prometheus; where `PROMETHEUS_MULTIPROC_DIR` is set, in files that all workers share."""

    def __init__(self, model: str) -> None:
        from prometheus_client import CollectorRegistry, Counter, Histogram

        self.registry = CollectorRegistry()
        registry = self.registry
        self._records = Counter(
            "headstart_stream_records", "Records written, by how.", ("model", "outcome"), registry=registry
        )
        self._waits = Counter(
            "headstart_stream_waits", "Tries that failed, by place.", ("model", "place"), registry=registry
        )
        self._seconds = Histogram(
            "headstart_stream_seconds",
            "From receiving a record to its output.",
            ("model",),
            buckets=_SECONDS,
            registry=registry,
        ).labels(model)
        self._model = model

    def written(self, *, n_records: int, n_dead: int, latencies_s: Sequence[float]) -> None:
        """Count a batch."""
        self._records.labels(self._model, "answered").inc(n_records - n_dead)
        self._records.labels(self._model, "dead").inc(n_dead)
        for one in latencies_s:
            self._seconds.observe(one)

    def waited(self, place: str) -> None:
        """Count a try that failed."""
        self._waits.labels(self._model, place).inc()

    def left_out(self, n: int) -> None:
        """Count outputs whose key was written before."""
        self._records.labels(self._model, "duplicate").inc(n)


@contextmanager
def exposed(port: int, meter: PrometheusMeter | None = None) -> Iterator[int]:
    """Answer Prometheus inside the block; what is given is the port, which is a free one where 0 is asked for.

    Parameters
    ----------
    meter : of this process; None for those of all workers, who count in the folder that `PROMETHEUS_MULTIPROC_DIR` names

    Raises
    ------
    OptionError
        The port is taken.
    """
    from prometheus_client import CollectorRegistry, start_http_server
    from prometheus_client.multiprocess import MultiProcessCollector

    if meter is None:
        registry = CollectorRegistry()
        MultiProcessCollector(registry, os.environ[SHARED_FOLDER])  # type: ignore[no-untyped-call]
    else:
        registry = meter.registry
    try:
        server, thread = start_http_server(port, addr=_HERE, registry=registry)
    except OSError as error:
        raise OptionError(
            f"nothing can listen on port {port} ({first_line(error)}). Give another --metrics-port."
        ) from error
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
