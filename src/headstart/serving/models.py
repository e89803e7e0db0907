"""The models that are open: how one answers, which there are, and how a new set takes the place of the old."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

import numpy as np

from headstart.core.errors import BundleError, DataError, UserError, first_line, unknown_name
from headstart.data.given import receive_item
from headstart.engines.threads import n_threads
from headstart.packaging import Bundle, load_bundle
from headstart.packaging.bundle_fit import misfit_of
from headstart.serving.asgi import RequestError
from headstart.serving.batching import Batcher, Rows
from headstart.serving.prepared_arrays import check_arrays
from headstart.serving.preparing import Preparation, length
from headstart.serving.reading import off_loop
from headstart.serving.repository import ModelVersion, find_model_versions, version_order

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from headstart.core.dataset import FloatArray
    from headstart.core.model import Batch
    from headstart.data.modalities import Modality
    from headstart.serving.metrics import Meters
    from headstart.serving.settings import ServerSettings


_N_RUNS = 2  # batches at once: one works where the threads of the other wait for each other
Note = Callable[["Served", "Sequence[Any]", Rows], None]


@dataclass(frozen=True)
class Served:
    """One version of a model, open."""

    model_version: ModelVersion
    bundle: Bundle
    settings: ServerSettings
    n_runs: int

    @property
    def name(self) -> str:
        """What requests call it."""
        return self.model_version.name

    @property
    def version(self) -> str:
        """Which version of it."""
        return self.model_version.version

    @cached_property
    def modality(self) -> Modality:
        """What its items are."""
        return self.bundle.reads

    @cached_property
    def meters(self) -> Meters:
        """Its figures for Prometheus."""
        from headstart.serving.metrics import Meters

        return Meters(self.name, self.version)

    @cached_property
    def batcher(self) -> Batcher:
        """Runs its jobs; made in the process that serves, for threads do not outlive a fork."""
        return Batcher(
            self.bundle.run,
            n_threads=n_threads() + 1,  # somebody prepares while another runs
            n_runs=self.n_runs,
            max_items=self.settings.max_batch,
            max_latency_s=self.settings.max_latency_ms / 1000,
            max_waiting=self.settings.max_queue,
            observe=self.meters.observe_batch,
        )

    def receive(self, values: Sequence[Any]) -> list[Any]:
        """Make items of values as they came; one that is none becomes its error, and an error stays what it is.

        Raises
        ------
        RequestError
            413: more items than one request may have.
        """
        self._check_number(len(values))
        return [self._item(value) for value in values]

    async def rows(self, items: Sequence[Any], note: Note | None = None) -> Rows:
        """Answer each item with its row of outputs, or with why it cannot be read.

        Parameters
        ----------
        items : as `receive` makes them
        note : is told the items and their rows, when all are there

        Raises
        ------
        RequestError
            429: too many are waiting.
        """
        self.batcher.check_room(len(items))
        readable = [i for i, item in enumerate(items) if not isinstance(item, UserError)]
        if len(readable) > 1:  # those of like size share a batch, so that little padding is computed
            readable.sort(key=lambda i: length(items[i]))
        step = self.settings.max_batch
        chunks = [readable[first : first + step] for first in range(0, len(readable), step)]
        answered = [self._batch_rows([items[i] for i in chunk]) for chunk in chunks]
        found = [await answered[0]] if len(answered) == 1 else await asyncio.gather(*answered)
        rows: Rows = list(items)
        for chunk, chunk_rows in zip(chunks, found, strict=True):
            for i, row in zip(chunk, chunk_rows, strict=True):
                rows[i] = row
        if note is not None:
            await off_loop(partial(note, self, items, rows), sum(length(items[i]) for i in readable))
        return rows

    async def outputs(self, batch: Batch) -> FloatArray:
        """Run arrays that the caller has prepared himself.

        Raises
        ------
        RequestError
            400: they are not what the graph takes; 413, 429 as for `rows`.
        """
        n = check_arrays(batch, self.bundle)
        self._check_number(n)
        self.batcher.check_room(n)
        step = self.settings.max_batch
        parts = [{name: array[first : first + step] for name, array in batch.items()} for first in range(0, n, step)]
        submitted = (self.batcher.submit(partial(dict, part), min(step, n - i * step)) for i, part in enumerate(parts))
        outputs = np.concatenate(await asyncio.gather(*submitted))
        if not np.isfinite(outputs).all():
            raise RequestError(400, "the model has no finite answer to these arrays. Send what its input prepares.")
        return outputs

    def _item(self, value: Any) -> Any:
        if isinstance(value, UserError):
            return value
        try:
            return receive_item(value, self.modality)
        except DataError as error:
            return error

    def _check_number(self, n_items: int) -> None:
        if n_items > self.settings.max_items:
            raise RequestError(413, f"{n_items} items came; at most {self.settings.max_items} may. Send them in parts.")

    async def _batch_rows(self, items: Sequence[Any]) -> Rows:
        make = Preparation(items, self.modality, self.bundle.input.transform, self.settings.max_pixels)
        try:
            return list(await self.batcher.submit(make, len(items), sum(map(length, items)), make.is_large))
        except RequestError:
            raise
        except UserError as error:
            if len(items) == 1:
                return [error.with_traceback(None)]  # whose frames hold the items
        return [row for rows in await asyncio.gather(*(self._batch_rows([item]) for item in items)) for row in rows]


class Catalogue:
    """The models that are open: never changed, only replaced as a whole."""

    def __init__(self, served: Iterable[Served]) -> None:
        self._models: dict[str, dict[str, Served]] = {}
        for one in served:
            self._models.setdefault(one.name, {})[one.version] = one
        self._names = tuple(sorted(self._models))
        self._versions = {name: tuple(sorted(self._models[name], key=version_order)) for name in self._names}

    def __iter__(self) -> Any:
        return (one for name in self.names for one in self._models[name].values())

    @property
    def names(self) -> tuple[str, ...]:
        """All names, sorted."""
        return self._names

    def versions(self, name: str) -> tuple[str, ...]:
        """The versions of one model, oldest first."""
        return self._versions[name]

    def get(self, name: str | None = None, version: str | None = None) -> Served:
        """Find a model; the only one if no name is given, the newest version if none is.

        Raises
        ------
        RequestError
            404: there is none of that name or version; 400: no name is given and there are several.
        """
        if name is None:
            if len(self._models) != 1:
                raise RequestError(400, f"say which model: {', '.join(self.names)}, as /v1/models/NAME/predict.")
            name = self.names[0]
        versions = self._models.get(name)
        if versions is None:
            raise RequestError(404, str(unknown_name("model", name[:60], self.names)))
        found = versions.get(version or self.versions(name)[-1])
        if found is None:
            raise RequestError(404, str(unknown_name(f"version of '{name}'", str(version)[:60], versions)))
        return found


def open_models(specs: Sequence[str], settings: ServerSettings, before: Iterable[Served] = ()) -> Catalogue:
    """Open all models that `specs` name; those of `before` that have not changed on disk are kept as they are.

    Raises
    ------
    BundleError
        One cannot be opened; then nothing is replaced.
    """
    known: Mapping[ModelVersion, Served] = {one.model_version: one for one in before}
    shared = settings.workers > 1
    threads, n_runs = (1, max(1, n_threads() // settings.workers)) if shared else (n_threads(), _N_RUNS)

    def opened(model_version: ModelVersion) -> Served:
        bundle = load_bundle(
            model_version.folder,
            trust=settings.trust,
            trust_graphs=settings.trust_graphs,
            threads=threads,
            spin=False,
        )
        warm_up(bundle, model_version)
        return Served(model_version, bundle, settings, n_runs)

    return Catalogue(known.get(model_version) or opened(model_version) for model_version in find_model_versions(specs))


def warm_up(bundle: Bundle, model_version: ModelVersion) -> None:
    """Answer one made-up item, so that a model which cannot answer is never ready, and the first request is not slow.

    Raises
    ------
    BundleError
        It cannot.
    """
    try:
        outputs = bundle.run(bundle.input.transform(bundle.reads.stand_ins(bundle.labels or ["a word"])[:1]))
        why = misfit_of(bundle.task_spec, outputs)
        bundle.largest_ids  # noqa: B018  read once here rather than while a client waits
    except Exception as error:  # noqa: BLE001  whatever it is, the model is not made ready
        why = first_line(error)
    if why:
        raise BundleError(
            f"{model_version.folder} cannot answer a first item ({why}). Make the bundle again with 'headstart fit'."
        )
