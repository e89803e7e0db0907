"""One process of a stream: places, model, loop; what happens is told to a reporter."""

from __future__ import annotations

import asyncio
import logging
import signal
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from headstart.core.dataset import Notice
from headstart.core.errors import OptionError
from headstart.engines.events import NoticeGiven
from headstart.engines.threads import n_threads
from headstart.packaging import load_bundle
from headstart.packaging.opening import seal_of
from headstart.serving.models import warm_up
from headstart.serving.repository import Champions, find_model_versions
from headstart.streaming.address import FILE, FOLDER, Address
from headstart.streaming.answering import Answerer
from headstart.streaming.answers import AnsweringModel
from headstart.streaming.champion import FollowingAnswerer
from headstart.streaming.connecting import inlet_of, outlet_of
from headstart.streaming.in_flight import Pace
from headstart.streaming.loop import Loop, Places
from headstart.streaming.meters import Figures

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterator, Sequence
    from typing import Any

    from headstart.engines.events import Reporter
    from headstart.streaming.loop import Answer, AnswersObserver, Observer, Recorder
    from headstart.streaming.meters import Meter, StreamSummary
    from headstart.streaming.recorders import RecorderSettings
    from headstart.streaming.settings import StreamSettings

_LINE_S = 10.0
_LOOK_S = 0.2
_LOGGER = logging.getLogger("headstart.streaming")


def run_worker(
    bundle: str,
    from_: str,
    to: str,
    settings: StreamSettings,
    *,
    reporter: Reporter,
    observers: Sequence[Observer | AnswersObserver] = (),
    meters: Sequence[Meter] = (),
    recorders: Sequence[RecorderSettings] = (),
    worker: int = 0,
) -> StreamSummary:
    """Run one of the `settings.workers` processes of a stream; raises as `stream` does."""
    places = open_places(from_, to, settings, worker=worker)
    features = any(one.reads_features for one in recorders)
    champions = Champions([bundle])
    opening = partial(open_model, bundle, settings, [to, settings.dead], features=features)
    first = opening()
    answer: Answer = first
    figures = Figures()
    tell = partial(_tell, reporter)
    with ExitStack() as stack:
        stack.enter_context(_logged(reporter))
        measured = list(meters)
        if settings.metrics_port is not None:
            from headstart.streaming.prometheus import PrometheusMeter, exposed

            exporter = PrometheusMeter(first.model.name)
            measured.append(exporter)
            if settings.workers == 1:
                port = stack.enter_context(exposed(settings.metrics_port, exporter))
                tell("metrics", f"figures for Prometheus: http://127.0.0.1:{port}/metrics")
        opened = _windows(settings, worker, tell) + [one.open(first.model, figures) for one in recorders]
        if champions.are_any:
            answer = stack.enter_context(FollowingAnswerer(first, champions, opening, recorders=opened, tell=tell))
        pace = Pace(batch=settings.batch, latency_s=settings.latency_ms / 1000, give_up_s=settings.give_up_s)

        def make() -> Loop:
            return Loop(
                places,
                answer,
                pace=pace,
                figures=figures,
                meters=measured,
                observers=observers,
                recorders=opened,
                tell=tell,
            )

        _run(lambda: _watched(make(), figures, reporter))
    return figures.summary()


def open_places(from_: str, to: str, settings: StreamSettings, *, worker: int = 0) -> Places:
    """Make inlet and outlets; nothing is connected yet.

    Raises
    ------
    OptionError
        Addresses are wrong, or input and output are one file.
    """
    if _is_same(from_, to):
        raise OptionError(f"{to} is both where records come from and where answers go. Name another place.")
    for output in filter(None, (to, settings.dead)):
        if _is_read(from_, output):
            raise OptionError(
                f"{output} lies in the folder {from_}, all of whose files are records. Name another place."
            )
    if settings.dead is not None and (_is_same(from_, settings.dead) or _is_same(to, settings.dead)):
        raise OptionError(
            f"--dead {settings.dead} is also the input or the output. Name another place, or leave it out."
        )
    shared = {"worker": worker, "n_workers": settings.workers}
    return Places(
        inlet=inlet_of(from_, state=settings.state, **shared),
        outlet=outlet_of(to, **shared),
        dead=None if settings.dead is None else outlet_of(settings.dead, **shared),
        names=(shown(from_), shown(to), "" if settings.dead is None else shown(settings.dead)),
    )


def _is_same(one: str, other: str) -> bool:
    """Whether two addresses are one place, however their paths are written; two tables of a database are not."""
    if one == other:
        return one != "-"
    first, second = Address.parse(one), Address.parse(other)
    is_of_paths = first.scheme in (FILE, FOLDER) and second.scheme in (FILE, FOLDER)
    return is_of_paths and first.path_on_disk == second.path_on_disk


def _is_read(from_: str, to: str) -> bool:
    """Whether a file lies in the folder of which all files are records."""
    read, written = Address.parse(from_), Address.parse(to)
    return (
        read.scheme == FOLDER
        and written.scheme == FILE
        and Path(read.path).resolve() == Path(written.path).resolve().parent
    )


def _check_outside(folder: Path, outputs: Sequence[str | None]) -> None:
    """Refuse to write into the bundle, which would no longer open."""
    for text in outputs:
        path = None if text is None else Address.parse(text).path_on_disk
        if path is not None and path.is_relative_to(folder.resolve()):
            raise OptionError(f"{text} lies in the bundle {folder}, which takes no other files. Name another place.")


def shown(text: str) -> str:
    """An address as it may be shown: without a password.

    >>> shown("nats://ada:secret@desk/tickets"), shown("-")
    ('nats://ada:…@desk/tickets', '-')
    """
    return Address.parse(text).text


def open_model(
    bundle: str, settings: StreamSettings, outputs: Sequence[str | None] = (), *, features: bool = False
) -> Answerer:
    """Open the bundle, and answer one made-up item, so that the first record is not slow.

    Parameters
    ----------
    outputs : addresses that will be written to
    features : whether answers carry the features of the pretrained sources

    Raises
    ------
    OptionError
        Several bundles lie there, or an output lies in it.
    BundleError
        It cannot be opened.
    """
    found = find_model_versions([bundle])
    if len(found) > 1:
        names = ", ".join(str(one.folder) for one in found[:4])
        raise OptionError(f"{bundle} holds {len(found)} bundles; a stream is answered by one. Name it: {names}.")
    _check_outside(found[0].folder, outputs)
    model = load_bundle(
        found[0].folder,
        trust=settings.trust,
        trust_graphs=settings.trust_graphs,
        threads=max(1, n_threads() // settings.workers),
        spin=False,
    )
    warm_up(model, found[0])
    answering = AnsweringModel(name=found[0].name, version=found[0].version, seal=seal_of(model), bundle=model)
    return Answerer(answering, settings=settings, features=features)


def _windows(settings: StreamSettings, worker: int, tell: Callable[[str, str], None]) -> list[Recorder]:
    if settings.windows is None:
        return []
    from headstart.streaming.windows.recorder import WindowRecorder

    shared = {"worker": worker, "n_workers": settings.workers}
    return [WindowRecorder(settings.windows, state=settings.state, tell=tell, **shared)]


async def _watched(loop: Loop, figures: Figures, reporter: Reporter) -> None:
    """Run the loop; signals and the cancel token stop it, and how it goes is told now and then."""
    here = asyncio.get_running_loop()
    is_main = threading.current_thread() is threading.main_thread()

    def stop() -> None:
        loop.stop.set()
        here.remove_signal_handler(signal.SIGINT)  # a second Ctrl-C ends it at once

    if is_main:
        for one in (signal.SIGTERM, signal.SIGINT):
            here.add_signal_handler(one, stop)
    lines = asyncio.create_task(_look(loop, figures, reporter))
    try:
        await loop.run()
    finally:
        lines.cancel()
        if is_main:
            for one in (signal.SIGTERM, signal.SIGINT):
                here.remove_signal_handler(one)


async def _look(loop: Loop, figures: Figures, reporter: Reporter) -> None:
    n = 0
    while True:
        await asyncio.sleep(_LOOK_S)
        n += 1
        if reporter.cancel_token.is_cancelled:
            loop.stop.set()
        if n % round(_LINE_S / _LOOK_S) == 0 and (line := figures.line()):
            _tell(reporter, "rate", line)


def _run(make: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Run a coroutine to its end, in a thread of its own where this one has a loop already, as in a notebook."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        asyncio.run(make())
        return
    with ThreadPoolExecutor(1, thread_name_prefix="headstart-stream") as pool:
        pool.submit(lambda: asyncio.run(make())).result()


def _tell(reporter: Reporter, kind: str, message: str) -> None:
    reporter.receive(NoticeGiven(notice=Notice(kind=kind, message=message)))


class _Told(logging.Handler):
    """Hands what connectors log to the reporter."""

    def __init__(self, reporter: Reporter) -> None:
        super().__init__(logging.WARNING)
        self._reporter = reporter

    def emit(self, record: logging.LogRecord) -> None:
        """Tell one line."""
        _tell(self._reporter, "connector", record.getMessage())


@contextmanager
def _logged(reporter: Reporter) -> Iterator[None]:
    handler = _Told(reporter)
    _LOGGER.addHandler(handler)
    propagated, _LOGGER.propagate = _LOGGER.propagate, False
    try:
        yield
    finally:
        _LOGGER.removeHandler(handler)
        _LOGGER.propagate = propagated
