"""Start a server: in this process, or as several that were forked from one and so share the memory of the weights."""

from __future__ import annotations

import asyncio
import gc
import os
import resource
import shutil
import signal
import socket
import tempfile
import time
from contextlib import contextmanager
from functools import partial
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from headstart.core.errors import HeadstartError, OptionError, UserError
from headstart.engines.heap import share_one_heap
from headstart.serving import logs
from headstart.serving.listener import listen
from headstart.serving.models import Catalogue, open_models
from headstart.serving.repository import Champions
from headstart.serving.security import Tokens

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from headstart.serving.settings import ServerSettings

_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD)
_METRICS_FOLDER = "PROMETHEUS_MULTIPROC_DIR"
_SHORT_LIFE_S = 0.5
_LOOK_S = 1.0  # between looks at the aliases of registries
_LEAST_FILES = 80  # what libraries and the sockets that accept have open, and some clients


def serve(specs: Sequence[str], settings: ServerSettings) -> None:
    """Serve the models that `specs` name until SIGTERM or SIGINT; SIGHUP looks at the disk again.

    Raises
    ------
    BundleError
        A model cannot be opened.
    OptionError
        Settings contradict each other, the address is taken, or the limit on open files is too low.
    """
    settings.check()
    _check_open_files()
    share_one_heap()  # photos are decoded on threads; what each of them freed would stay with it
    Tokens(settings.token_file)
    with _early_hangups() as look_again, listen(settings) as listener:
        if settings.workers == 1:
            _serve_alone(specs, settings, listener, look_again)
        else:
            Supervisor(specs, settings, listener).run(look_again)


@contextmanager
def _early_hangups() -> Iterator[Callable[[], None]]:
    """Keep a SIGHUP that comes before anybody waits for it from ending the process; what is given sends it then."""
    early: list[int] = []
    before = signal.signal(signal.SIGHUP, lambda number, _: early.append(number))

    def send() -> None:
        if early:
            os.kill(os.getpid(), signal.SIGHUP)

    try:
        yield send
    finally:
        signal.signal(signal.SIGHUP, before)


def _serve_alone(
    specs: Sequence[str], settings: ServerSettings, listener: socket.socket, look_again: Callable[[], None]
) -> None:
    from headstart.serving.app import Service
    from headstart.serving.run import serve_here

    turn = asyncio.Lock()

    async def reload() -> Catalogue:
        async with turn:
            service.catalogue = await asyncio.to_thread(open_models, specs, settings, service.catalogue)
            _say_loaded(service.catalogue)
            return service.catalogue

    async def follow() -> None:
        while champions.are_any:
            await asyncio.sleep(_LOOK_S)
            if await asyncio.to_thread(champions.have_changed):
                os.kill(os.getpid(), signal.SIGHUP)

    def started() -> None:
        _say_started(settings, service.catalogue)
        look_again()
        tasks.append(asyncio.get_running_loop().create_task(follow()))

    tasks: list[asyncio.Task[None]] = []  # the loop itself keeps weak references only
    champions = Champions(specs)
    service = Service(settings, open_models(specs, settings), reload, started)
    serve_here(service, listener)


def _check_open_files() -> None:
    """Refuse to start where the limit on open files leaves none for clients: libraries fail in ways that do not say so."""
    n_files = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    if n_files != resource.RLIM_INFINITY and n_files < _LEAST_FILES:
        raise OptionError(
            f"the system lets this process open {n_files} files (ulimit -n); a server needs {_LEAST_FILES} or more, and one "
            "for each client. Raise the limit: ulimit -n 4096"
        )


class _Worker(NamedTuple):
    """Which figures a worker counts in, and when it was started."""

    slot: int
    started_s: float


class Supervisor:
    """Opens the models, forks the workers, replaces those that die, and all of them when the models change.

    It has no threads, so that a fork of it is sound: a graph on one thread needs none. The workers' weights are the pages of its
    memory. A worker ends when the supervisor does, however that ends: it holds the reading end of a pipe that nobody writes to.
    """

    def __init__(self, specs: Sequence[str], settings: ServerSettings, listener: socket.socket) -> None:
        self._specs = specs
        self._settings = settings
        self._listener = listener
        self._workers: dict[int, _Worker] = {}
        self._leaving: set[int] = set()
        self._process = os.getpid()
        self._metrics = Path(tempfile.mkdtemp(prefix="headstart-metrics-"))
        os.environ[_METRICS_FOLDER] = str(self._metrics)  # read when the metrics are imported
        self._alive = os.pipe()
        self._champions = Champions(specs)
        self._catalogue = open_models(specs, settings)

    def run(self, look_again: Callable[[], None]) -> None:
        """Keep the workers going until told to end, and then until the last of them has ended.

        Parameters
        ----------
        look_again : is called when SIGHUP is waited for
        """
        import headstart.serving.run  # noqa: F401  once, before the fork, for all workers

        received = _signals(self._champions)
        look_again()
        try:
            self._start_all()
            _say_started(self._settings, self._catalogue)
            for one in received:
                if one in (signal.SIGTERM, signal.SIGINT):
                    break
                if one == signal.SIGHUP:
                    self._reload()
                self._replace_dead()
            self._listener.close()
            self._stop(list(self._workers))
            while self._workers:
                self._forget(os.waitpid(-1, 0)[0])
        finally:
            shutil.rmtree(self._metrics, ignore_errors=True)

    def _start_all(self) -> None:
        """Start all workers, and wait until they accept requests."""
        gc.collect()
        gc.freeze()  # a collection in a worker would touch, and so copy, every page of objects
        receiver, sender = os.pipe()
        for _ in range(self._settings.workers):
            self._start(sender)
        os.close(sender)  # what is read ends when all have said so, or have died
        with os.fdopen(receiver, "rb") as said:
            said.read()

    def _start(self, sender: int | None = None) -> None:
        taken = {worker.slot for worker in self._workers.values()}
        slot = next(one for one in count() if one not in taken)
        signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)  # one for the worker must not reach it as the supervisor's
        process = os.fork()
        if process == 0:
            self._work(sender, slot)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)
        self._workers[process] = _Worker(slot, time.monotonic())

    def _work(self, sender: int | None, slot: int) -> None:
        """Serve, as a worker; never return to the supervisor's code."""
        from headstart.serving.app import Service
        from headstart.serving.metrics import take_slot
        from headstart.serving.run import serve_here

        code = 1
        try:
            take_slot(slot)
            os.close(self._alive[1])
            signal.set_wakeup_fd(-1)
            for one in _SIGNALS:
                signal.signal(one, signal.SIG_DFL)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)
            service = Service(self._settings, self._catalogue, self._ask_reload, partial(_close, sender))
            serve_here(service, self._listener, ends_with=self._alive[0])
            code = 0
        except HeadstartError as error:
            logs.write("error", error=str(error))
        finally:
            if os.getppid() != self._process:  # it was killed, and cannot tidy up
                shutil.rmtree(self._metrics, ignore_errors=True)
            os._exit(code)

    async def _ask_reload(self) -> Catalogue:
        """In a worker: see whether all models can be opened, then have all workers replaced."""
        catalogue = await asyncio.to_thread(open_models, self._specs, self._settings, self._catalogue)
        os.kill(os.getppid(), signal.SIGHUP)
        return catalogue

    def _reload(self) -> None:
        try:
            self._catalogue = open_models(self._specs, self._settings, self._catalogue)
        except UserError as error:
            logs.write("reload", error=str(error))
            return
        before = [process for process in self._workers if process not in self._leaving]
        self._start_all()
        self._stop(before)  # they answer what they have accepted; the new ones already listen on the same address
        _say_loaded(self._catalogue)

    def _stop(self, processes: Sequence[int]) -> None:
        for process in processes:
            self._leaving.add(process)
            os.kill(process, signal.SIGTERM)

    def _replace_dead(self) -> None:
        """Start a worker for each that has ended without being told to."""
        while self._workers:
            process = os.waitpid(-1, os.WNOHANG)[0]
            if process == 0:
                return
            if self._forget(process):
                logs.write("worker", ended=process)
                self._start()

    def _forget(self, process: int) -> bool:
        """Strike an ended worker off; tell whether it should be replaced."""
        from headstart.serving.metrics import forget_worker

        worker = self._workers.pop(process)
        forget_worker(worker.slot)
        if process in self._leaving:
            self._leaving.remove(process)
            return False
        if time.monotonic() - worker.started_s < _SHORT_LIFE_S:
            time.sleep(_SHORT_LIFE_S)  # one that cannot start is not tried a thousand times a second
        return True


def _signals(champions: Champions) -> Iterator[int]:
    """Wait for signals, and give one after the other; SIGHUP also where the champion of a registry has changed."""
    receiver, sender = socket.socketpair()
    sender.setblocking(False)  # noqa: FBT003  its own signature
    signal.set_wakeup_fd(sender.fileno())
    for one in _SIGNALS:
        signal.signal(one, lambda *_: None)

    def wait() -> Iterator[int]:
        receiver.settimeout(_LOOK_S if champions.are_any else None)
        with receiver, sender:
            while True:
                try:
                    yield from receiver.recv(64)
                except TimeoutError:
                    if champions.have_changed():
                        yield signal.SIGHUP

    return wait()


def _close(descriptor: int | None) -> None:
    if descriptor is not None:
        os.close(descriptor)


def _say_started(settings: ServerSettings, catalogue: Catalogue) -> None:
    scheme = "http" if settings.certificate is None else "https"
    logs.write("serving", url=f"{scheme}://{settings.host}:{settings.port}", workers=settings.workers)
    _say_loaded(catalogue)


def _say_loaded(catalogue: Catalogue) -> None:
    logs.write("models", models=[f"{one.name}@{one.version}" for one in catalogue])
