"""Several processes of one stream: each opens the model and is one member of the place's group of consumers.

They are told what to do on their standard input, which they also watch: when it ends, whoever started them has ended, and so do they. What
they tell comes on their standard output, a line of JSON each.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from headstart.core import errors
from headstart.core.dataset import Notice
from headstart.core.errors import InternalError
from headstart.engines.events import NoticeGiven
from headstart.streaming.meters import StreamSummary
from headstart.streaming.prometheus import SHARED_FOLDER
from headstart.streaming.worker import open_places

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from headstart.engines.events import Reporter
    from headstart.streaming.recorders import RecorderSettings
    from headstart.streaming.settings import StreamSettings

_SHORT_LIFE_S = 2.0
_MAX_SHORT_LIVES = 3
_LOOK_S = 0.1
_ENDING_S = 30.0


@dataclass
class _Worker:
    """One process, and what it has said so far."""

    number: int
    process: subprocess.Popen[str]
    started_s: float = field(default_factory=time.monotonic)
    summary: dict[str, Any] | None = None
    error: tuple[str, str] | None = None
    listener: threading.Thread | None = None


def run_workers(
    bundle: str,
    from_: str,
    to: str,
    settings: StreamSettings,
    *,
    reporter: Reporter,
    recorders: Sequence[RecorderSettings] = (),
) -> StreamSummary:
    """Run `settings.workers` processes until they end or the run is stopped; one that is killed is started again.

    Raises
    ------
    UserError
        A worker ended with it; the others are ended too.
    InternalError
        A worker cannot be kept alive.
    """
    open_places(from_, to, settings)  # what is wrong with the addresses is said once
    return _Supervisor([bundle, from_, to], settings, reporter, recorders).run()


class _Supervisor:
    def __init__(
        self, words: list[str], settings: StreamSettings, reporter: Reporter, recorders: Sequence[RecorderSettings]
    ) -> None:
        self._words = words
        self._recorders = [asdict(one) for one in recorders]
        self._settings = settings
        self._reporter = reporter
        self._workers: list[_Worker] = []
        self._ended: list[_Worker] = []
        self._n_short = 0
        self._is_stopping = False

    def run(self) -> StreamSummary:
        started_s = time.monotonic()
        with ExitStack() as stack:
            stack.enter_context(self._metrics())
            stack.enter_context(self._stopped_by_signals())
            try:
                self._workers = [self._start(number) for number in range(self._settings.workers)]
                while self._workers:
                    time.sleep(_LOOK_S)
                    if self._reporter.cancel_token.is_cancelled:
                        self._stop()
                    for worker in [one for one in self._workers if one.process.poll() is not None]:
                        self._end(worker)
            finally:
                self._kill()
        return self._summary(time.monotonic() - started_s)

    def _start(self, number: int) -> _Worker:
        process = subprocess.Popen(
            [sys.executable, "-m", "headstart.streaming.worker_process"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,  # Ctrl-C reaches this process alone, which tells them
        )
        settings = {
            **asdict(self._settings),
            "state": None if self._settings.state is None else str(self._settings.state),
        }
        told = {"words": self._words, "settings": settings, "worker": number, "recorders": self._recorders}
        assert process.stdin is not None
        with suppress(BrokenPipeError):
            process.stdin.write(json.dumps(told) + "\n")
            process.stdin.flush()
        worker = _Worker(number, process)
        worker.listener = threading.Thread(target=self._listen, args=(worker,), daemon=True)
        worker.listener.start()
        return worker

    def _listen(self, worker: _Worker) -> None:
        assert worker.process.stdout is not None
        for line in worker.process.stdout:
            said = json.loads(line)
            if "summary" in said:
                worker.summary = said["summary"]
            elif "error" in said:
                worker.error = (said["error"], said["message"])
            else:
                who = f"worker {worker.number + 1}: " if self._settings.workers > 1 else ""
                notice = Notice(kind=said["kind"], message=f"{who}{said['message']}")
                self._reporter.receive(NoticeGiven(notice=notice))

    def _end(self, worker: _Worker) -> None:
        """Look why one has ended: done, told to, failed for good, or killed, and then start another."""
        assert worker.listener is not None
        worker.listener.join()
        self._workers.remove(worker)
        self._ended.append(worker)
        if worker.error is not None:
            kind, message = worker.error
            raise getattr(errors, kind, InternalError)(message)
        if worker.process.returncode == 0 or self._is_stopping:
            return
        self._n_short += time.monotonic() - worker.started_s < _SHORT_LIFE_S
        if self._n_short > _MAX_SHORT_LIVES:
            raise InternalError(f"worker {worker.number + 1} ends again and again, with {worker.process.returncode}.")
        message = f"worker {worker.number + 1} was ended ({worker.process.returncode}); another takes its place"
        self._reporter.receive(NoticeGiven(notice=Notice(kind="worker", message=message)))
        self._workers.append(self._start(worker.number))

    def _stop(self) -> None:
        if not self._is_stopping:
            self._is_stopping = True
            for worker in self._workers:
                with suppress(ProcessLookupError):
                    worker.process.send_signal(signal.SIGTERM)

    def _kill(self) -> None:
        """End what is left: in good order, and where that takes too long at once."""
        self._stop()
        end = time.monotonic() + _ENDING_S
        for worker in self._workers:
            try:
                worker.process.wait(max(0.1, end - time.monotonic()))
            except subprocess.TimeoutExpired:
                worker.process.kill()
                worker.process.wait()
        for worker in (*self._workers, *self._ended):
            for pipe in (worker.process.stdin, worker.process.stdout):
                if pipe is not None:
                    with suppress(OSError):
                        pipe.close()

    @contextmanager
    def _stopped_by_signals(self) -> Iterator[None]:
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {one: signal.getsignal(one) for one in (signal.SIGTERM, signal.SIGINT)}
        for one in before:
            signal.signal(one, lambda *_: self._stop())
        try:
            yield
        finally:
            for one, handler in before.items():
                signal.signal(one, handler)

    @contextmanager
    def _metrics(self) -> Iterator[None]:
        """Let all of them count in one folder, and answer Prometheus for them; a single one does that itself."""
        if self._settings.metrics_port is None or self._settings.workers == 1:
            yield
            return
        from headstart.streaming.prometheus import exposed

        folder = tempfile.mkdtemp(prefix="headstart-metrics-")
        os.environ[SHARED_FOLDER] = folder
        try:
            with exposed(self._settings.metrics_port) as port:
                message = f"figures for Prometheus: http://127.0.0.1:{port}/metrics"
                self._reporter.receive(NoticeGiven(notice=Notice(kind="metrics", message=message)))
                yield
        finally:
            del os.environ[SHARED_FOLDER]
            shutil.rmtree(folder, ignore_errors=True)

    def _summary(self, seconds: float) -> StreamSummary:
        """All of them together; the percentiles are the worst of any."""
        said = [worker.summary for worker in self._ended if worker.summary is not None]

        def total(name: str) -> int:
            return sum(one[name] for one in said)

        def worst(name: str) -> float | None:
            return max((one[name] for one in said if one[name] is not None), default=None)

        return StreamSummary(
            n_records=total("n_records"),
            n_dead=total("n_dead"),
            n_repeated=total("n_repeated"),
            n_duplicates=total("n_duplicates"),
            seconds=round(seconds, 3),
            p50_ms=worst("p50_ms"),
            p99_ms=worst("p99_ms"),
        )
