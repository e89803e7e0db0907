"""Embed items by a source: decode, prepare and run beside each other, a thread a batch."""

from __future__ import annotations

import hashlib
import time
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from headstart.core.errors import DataError
from headstart.data.rows import column_of
from headstart.engines.context import RunContext
from headstart.features.contents import Contents
from headstart.features.matrix import Matrix
from headstart.features.store import KEY_DTYPE, Store
from headstart.sources.feature_rows import feature_rows
from headstart.sources.field_source import FieldSource
from headstart.sources.joint import JointSource
from headstart.storage.files import cache_folder

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator, Sequence

    from numpy.typing import NDArray

    from headstart.core.blocks import Block
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
    blocks : which columns are of which source, and of which field
    """

    values: NDArray[np.float32]
    keys: NDArray[np.bytes_]
    n_computed: int
    seconds: float
    blocks: tuple[Block, ...] = ()

    @property
    def seconds_per_item(self) -> float:
        """Time of one forward pass, decoding included; zero if all were in the cache."""
        return self.seconds / self.n_computed if self.n_computed else 0.0


def comparable(features: Features) -> NDArray[np.float32]:
    """Give features of which no block outweighs another in distances, shape (n, dimensions); one block stays as it is."""
    if len(features.blocks) == 1 or not any(block.field for block in features.blocks):
        return features.values
    scaled = features.values.copy()
    for block in features.blocks:
        part = scaled[:, block.columns]
        part -= part.mean(axis=0)
        part /= max(float(np.sqrt((part**2).sum(axis=1).mean())), 1e-12)
    return scaled


def embed(
    items: Sequence[Any],
    source: AnySource,
    *,
    keys: Keys | None = None,
    context: RunContext | None = None,
    cache: bool = True,
    on_bad: OnBad | None = None,
    open_session: Callable[[], Any] | None = None,
) -> Features:
    """Compute the features of items, once for equal contents, and keep them in the cache.

    A run that was killed goes on where it was: batches are cut from the whole list, not from what is missing, and kept whole,
    so that its features equal an unbroken run's bit for bit.

    Parameters
    ----------
    items : n items of the source's modality; rows, where the sources read fields of them
    keys : contents' keys, as an earlier call gave them; computed if None
    context : where batches run, and who hears how far it is; silent if None
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
    if isinstance(source, JointSource) and not source.sources:
        return _nothing(len(items))
    if isinstance(source, JointSource):
        return _side_by_side(items, source, keys=keys, context=context, cache=cache, on_bad=on_bad)
    context = context or RunContext()
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
        computed = _run(items, contents, source, batches, open_session or source.session, context=context)
        with context.progress(label, contents.n_readable, done=int(known.sum())) as steps, closing(computed):
            for done in computed:
                _keep(done, contents, store, matrix)
                _report(done, contents, report)
                n_computed += len(done.rows)
                steps.advance(len(done.good) + len(done.errors))
        values = matrix.array()
    seconds = time.perf_counter() - started
    return Features(values=values, keys=keys, n_computed=n_computed, seconds=seconds, blocks=source.blocks)


def _nothing(n: int) -> Features:
    """The features of no source, which no item needs to be read for."""
    return Features(
        values=np.empty((n, 0), np.float32), keys=np.zeros(n, KEY_DTYPE), n_computed=0, seconds=0.0, blocks=()
    )


def _side_by_side(items: Sequence[Any], source: JointSource, *, on_bad: OnBad | None, **settings: Any) -> Features:
    """Embed with each source, each from its own cache; an item that none can read is reported once."""
    reported: set[int] = set()

    def report(position: int, error: DataError) -> None:
        if position not in reported:
            reported.add(position)
            (on_bad or _refuse)(position, error)

    if source.reads_rows:
        settings["keys"] = None  # those of an earlier call are the rows'
    found = [_of_part(items, part, on_bad=report, **settings) for part in source.sources]
    return Features(
        values=np.concatenate([features.values for features in found], axis=1),
        keys=_joint_keys([features.keys for features in found]) if source.reads_rows else found[0].keys,
        n_computed=max(features.n_computed for features in found),
        seconds=sum(features.seconds for features in found),
        blocks=source.blocks,
    )


def _of_part(items: Sequence[Any], source: Source | FieldSource, **settings: Any) -> Features:
    if isinstance(source, FieldSource):
        return embed(column_of(items, source.field), source.source, **settings)
    return embed(items, source, **settings)


def _joint_keys(found: Sequence[Keys]) -> Keys:
    """Hash the keys of the fields of each row, shape (n,); empty where one cannot be read."""
    joined = [
        b""
        if b"" in parts
        else hashlib.blake2b(b"".join(key.ljust(16, b"\0") for key in parts), digest_size=16).digest()
        for parts in zip(*(keys.tolist() for keys in found), strict=True)
    ]
    return np.array(joined, KEY_DTYPE)


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
    items: Sequence[Any],
    contents: Contents,
    source: Source,
    batches: list[Numbers],
    open_session: Callable[[], Any],
    *,
    context: RunContext,
) -> Generator[_Done]:
    """Compute batches side by side and give them in order."""
    if not batches:
        return
    session = open_session()
    source.input.transform([])  # what it loads lazily is loaded once, not by each thread

    def compute(numbers: Numbers) -> _Done:
        rows, errors = _forward([items[i] for i in contents.first[numbers]], source, session)
        good = np.array([place for place in range(len(numbers)) if place not in errors], dtype=np.intp)
        failed = {int(numbers[place]): error for place, error in errors.items()}
        return _Done(good=numbers[good], rows=rows, errors=failed)

    yield from context.map(compute, batches)


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
    return feature_rows(source, session, batch, len(items)), errors


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
