"""Recorder of a watch: in each process of a stream it sees what was answered, and leaves it for the one monitor before it is acknowledged."""

from __future__ import annotations

import time
from contextlib import closing
from itertools import compress
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from headstart.core.errors import ServiceError, StorageError
from headstart.monitoring.model_reference import reference_of_bundle
from headstart.monitoring.reference import ARRAYS_NAME, JSON_NAME, Reference
from headstart.monitoring.seeing import see
from headstart.monitoring.watch_batch import WatchBatch, previews_of
from headstart.monitoring.watch_store import WatchStore

if TYPE_CHECKING:
    from headstart.core.arrays import BoolArray
    from headstart.streaming.answers import AnsweringModel, Answers
    from headstart.streaming.meters import Figures

MAX_WAITING = 1_024  # batches
_PATIENCE_S = 5.0
_TURN_S = 0.02


def open_recorder(
    model: AnsweringModel,
    *,
    figures: Figures,
    folder: str,
    shows_items: bool,
) -> WatchRecorder:
    """Open the recorder of a live watch that is kept in a folder.

    Raises
    ------
    StorageError
        No watch is kept there.
    """
    store = WatchStore(Path(folder))
    files = store.kept()
    if JSON_NAME not in files:
        store.close()
        raise StorageError(f"no watch is kept in {folder}. Open one there first, as `headstart stream --watch` does.")
    reference = Reference.from_files(files[JSON_NAME], files[ARRAYS_NAME])
    recorder = WatchRecorder(store, reference, figures=figures, shows_items=shows_items)
    recorder.expect(model)
    return recorder


class WatchRecorder:
    """Records batches; all methods are called one after the other, on any thread.

    Parameters
    ----------
    reference : of answers that do not say which model they are of
    shows_items : whether records may be shown beside alarms
    """

    def __init__(
        self,
        store: WatchStore,
        reference: Reference,
        *,
        figures: Figures,
        shows_items: bool = False,
    ) -> None:
        self.name = f"the watch in {store.folder}"
        self._store = store
        self._periods: dict[str, tuple[int, Reference]] = {"": (0, reference)}  # by the seal of the model
        self._figures, self._shows_items = figures, shows_items
        self._n_waits = 0

    def expect(self, model: AnsweringModel) -> None:
        """Keep the reference of a model that will answer, and let the watch know of it.

        Raises
        ------
        BundleError
            The model holds no reference.
        """
        with closing(WatchStore(self._store.folder)) as store:  # batches are recorded meanwhile
            found = store.announced()
            if found is None or found.seal != model.seal:
                found = store.announce(model.seal, model.version, reference_of_bundle(model.bundle))
        self._periods[model.seal] = found.number, found.reference

    def record(self, answers: Answers) -> None:
        """Leave a batch for the watch; when this returns, it will be counted, and once.

        Raises
        ------
        ServiceError, StorageError
            The caller may record the same batch again.
        """
        self._wait_for_room()
        keys = np.array([record.key for record in answers.records], object)
        is_new = np.ones(len(keys), bool)
        while is_new.any():
            batch = self._batch(answers, is_new)
            found = self._store.leave(keys[is_new].tolist(), batch)
            if all(found):
                self._n_waits += batch.n_waits
                break
            is_new[is_new] = found
        if not is_new.all():
            self._store.count_repeated(int((~is_new).sum()))

    def end(self, *, is_complete: bool) -> None:
        """Nothing is left to be done: the watch goes on by itself."""

    def close(self) -> None:
        """Give up the file; may be called twice."""
        self._store.close()

    def _batch(self, answers: Answers, is_new: BoolArray) -> WatchBatch:
        records, items = list(compress(answers.records, is_new)), list(compress(answers.items, is_new))
        features = answers.features
        if features is not None:
            features = features[is_new & ~np.asarray(answers.is_dead)]
        number, reference = self._periods["" if answers.model is None else answers.model.seal]
        return WatchBatch(
            seen=see(
                reference,
                records,
                items,
                answers.rows[is_new],
                features_of=None if features is None else lambda _: features,
            ),
            at=time.time(),
            n_dead=sum(compress(answers.is_dead, is_new)),
            latencies_s=list(compress(answers.latencies_s, is_new)),
            n_waits=self._figures.n_waits - self._n_waits,
            previews=previews_of(records, items) if self._shows_items else {},
            period=number,
        )

    def _wait_for_room(self) -> None:
        end = time.monotonic() + _PATIENCE_S
        while self._store.n_waiting() >= MAX_WAITING:
            if time.monotonic() > end:
                raise ServiceError(f"{self.name} is behind by {MAX_WAITING:,} batches; the stream waits for it.")
            time.sleep(_TURN_S)
