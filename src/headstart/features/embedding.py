"""Embed items by a source: decode, prepare and run beside each other, a thread a batch."""

from __future__ import annotations

import time
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TextIO

import numpy as np

from headstart.core.errors import DataError
from headstart.engines.progress import Progress
from headstart.engines.threads import core, n_threads
from headstart.features.contents import Contents
from headstart.features.matrix import Matrix
from headstart.features.store import KEY_DTYPE, Store
from headstart.sources.joint import JointSource
from headstart.storage.files import cache_folder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import NDArray

    from headstart.sources import AnySource, Source

    Keys = NDArray[np.bytes_]
    Numbers = NDArray[np.intp]
    OnBad = Callable[[int, DataError], None]

_ROWS_PER_READ = 1024


@dataclass(frozen=True, kw_only=True)
class Features:
    """What a source says of each item.

    Attributes
    ----------
    values : shape (n, dimensions), float32; a row of NaN for an item that cannot be read
    keys : shape (n,), 16 bytes that are equal for equal content; empty for an item that cannot be read
    n_computed : how many forward passes it took; the other items were in the cache, or equal to one that was
    seconds : how long it took
    """

    values: NDArray[np.float32]
    keys: NDArray[np.bytes_]
    n_computed: int
    seconds: float

    @property
    def seconds_per_item(self) -> float:
        """Time of one forward pass, decoding included; zero if all were in the cache."""
        return self.seconds / self.n_computed if self.n_computed else 0.0


def embed(
    items: Sequence[Any],
    source: AnySource,
    *,
    keys: Keys | None = None,
    progress: TextIO | None = None,
    cache: bool = True,
    on_bad: OnBad | None = None,
    open_session: Callable[[], Any] | None = None,
) -> Features:
    """Compute the features of items, once for equal contents, and keep them in the cache.

    A run that was killed goes on where it was: batches are cut from the whole list, not from what is missing, and kept whole,
    so that its features equal an unbroken run's bit for bit.

    Parameters
    ----------
    items : n items of the source's modality
    keys : contents' keys, as an earlier call gave them; computed if None
    progress : where to write how far it is; None for silence
    cache : whether to read and keep features on disk
    on_bad : called with the position and the error of an item that cannot be read; if None, the error is raised
    open_session : gives the source's session, asked only where something must be computed; a new one if None

    Raises
    ------
    DataError
        An item cannot be read.
    StorageError
        The cache folder cannot be written.
    """
    if isinstance(source, JointSource):
        return _side_by_side(items, source, keys=keys, progress=progress, cache=cache, on_bad=on_bad)
    started = time.perf_counter()
    report = on_bad or _refuse
    keys = content_keys(items, source, report) if keys is None else keys
    folder = cache_folder() / "features" / source.digest
    store = Store(folder, source.dimensions) if cache else None
    contents = Contents(keys)
    with Matrix(len(items), source.dimensions, folder) as matrix:
        known = _recall(store, contents, matrix)
        batches = _missing(_batches(items, contents, source), known | contents.is_unreadable)
        n_computed = 0
        label = f"embedding with {source.name}"
        with Progress(label, contents.n_readable, progress, done=int(known.sum())) as steps:
            for done in _run(items, contents, source, batches, open_session or source.session):
                _keep(done, contents, store, matrix)
                _report(done, contents, report)
                n_computed += len(done.rows)
                steps.advance(len(done.good) + len(done.errors))
        values = matrix.array()
    return Features(values=values, keys=keys, n_computed=n_computed, seconds=time.perf_counter() - started)


def _side_by_side(items: Sequence[Any], source: JointSource, *, on_bad: OnBad | None, **settings: Any) -> Features:
    """Embed with each source, each from its own cache; an item that none can read is reported once."""
    reported: set[int] = set()

    def report(position: int, error: DataError) -> None:
        if position not in reported:
            reported.add(position)
            (on_bad or _refuse)(position, error)

    found = [embed(items, source, on_bad=report, **settings) for source in source.sources]
    return Features(
        values=np.concatenate([features.values for features in found], axis=1),
        keys=found[0].keys,
        n_computed=max(features.n_computed for features in found),
        seconds=sum(features.seconds for features in found),
    )


def content_keys(items: Sequence[Any], source: Source, report: OnBad) -> Keys:
    """Hash the content of each item, shape (n,); empty where it cannot be read, which is reported."""
    keys = np.zeros(len(items), KEY_DTYPE)
    for i, item in enumerate(items):
        try:
            keys[i] = source.key(item)
        except DataError as error:
            report(i, error)
    return keys


def _recall(store: Store | None, contents: Contents, matrix: Matrix) -> NDArray[np.bool_]:
    """Copy what the store has into the matrix, and say which contents those are."""
    known = np.zeros(len(contents.unique), dtype=bool)
    if store is None:
        return known
    rows = store.find(contents.unique)
    for start in range(0, len(contents.number), _ROWS_PER_READ):
        numbers = contents.number[start : start + _ROWS_PER_READ]
        block = store.read(rows[numbers])
        matrix.write(start, block)
        known[numbers] = ~np.isnan(block[:, 0])
    return known


def _batches(items: Sequence[Any], contents: Contents, source: Source) -> Iterator[Numbers]:
    """Cut all contents into batches of like size, the largest first; within a size in the order of the items."""
    sizes = np.array([source.size(items[i]) for i in contents.first], dtype=np.int64)
    order = np.lexsort((contents.first, -sizes))
    start = 0
    while start < len(order):
        end = start + source.batch_of(int(sizes[order[start]]))
        yield order[start:end]
        start = end


def _missing(batches: Iterator[Numbers], done: NDArray[np.bool_]) -> list[Numbers]:
    left = (batch[~done[batch]] for batch in batches)
    return [batch for batch in left if len(batch)]


@dataclass(frozen=True, kw_only=True)
class _Done:
    """One batch: the numbers of its good contents, their rows, and the errors of the others by number."""

    good: Numbers
    rows: NDArray[np.float32]
    errors: dict[int, DataError]


def _run(
    items: Sequence[Any], contents: Contents, source: Source, batches: list[Numbers], open_session: Callable[[], Any]
) -> Iterator[_Done]:
    """Compute batches in threads and give them in order."""
    if not batches:
        return
    session = open_session()
    n_workers = min(n_threads(), len(batches))
    source.input.transform([])  # what it loads lazily is loaded once, not by each thread

    def compute(numbers: Numbers) -> _Done:
        with core():
            rows, errors = _forward([items[i] for i in contents.first[numbers]], source, session)
        good = np.array([place for place in range(len(numbers)) if place not in errors], dtype=np.intp)
        failed = {int(numbers[place]): error for place, error in errors.items()}
        return _Done(good=numbers[good], rows=rows, errors=failed)

    pool = ThreadPoolExecutor(n_workers, thread_name_prefix="embed")
    try:
        waiting = deque(pool.submit(compute, batch) for batch in batches[: 2 * n_workers])
        for batch in [*batches[2 * n_workers :], *[None] * len(waiting)]:
            yield waiting.popleft().result()
            if batch is not None:
                waiting.append(pool.submit(compute, batch))
    finally:
        pool.shutdown(cancel_futures=True)


def _forward(items: list[Any], source: Source, session: Any) -> tuple[NDArray[np.float32], dict[int, DataError]]:
    """Prepare and run one batch; items that cannot be read are left out and their errors given by place."""
    errors: dict[int, DataError] = {}
    try:
        batch = source.input.transform(items)
    except DataError:
        errors = _failures(items, source)
        items = [item for i, item in enumerate(items) if i not in errors]
        if not items:
            return np.empty((0, source.dimensions), np.float32), errors
        batch = source.input.transform(items)
    rows: NDArray[np.float32] = session.run(None, batch)[0]
    return rows, errors


def _failures(items: list[Any], source: Source) -> dict[int, DataError]:
    failures = {}
    for i, item in enumerate(items):
        try:
            source.input.transform([item])
        except DataError as error:
            failures[i] = error
    return failures


def _keep(done: _Done, contents: Contents, store: Store | None, matrix: Matrix) -> None:
    if store is not None and len(done.good):
        store.append(contents.unique[done.good], done.rows)
    for number, row in zip(done.good, done.rows, strict=True):
        for position in contents.positions(number):
            matrix.write(int(position), row[None])


def _report(done: _Done, contents: Contents, report: OnBad) -> None:
    for number, error in done.errors.items():
        for position in contents.positions(number):
            report(int(position), error)


def _refuse(position: int, error: DataError) -> None:  # noqa: ARG001
    raise error
