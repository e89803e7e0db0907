"""FrozenFeatureLoader: inputs of the trained blocks; the frozen blocks before them run once per item, if memory allows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch.nn.utils.rnn import pad_sequence

from headstart.engines.context import RunContext
from headstart.tuning.augmentation import augment, is_cacheable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from headstart.core.dataset import IntArray
    from headstart.sources.networks.torch.stepwise import Batch
    from headstart.tuning.trainable_model import TrainableModel

_MAX_BYTES = 2**30  # of cached hidden values
_BATCHES_SORTED = 8  # items of this many batches are sorted by size: little padding, and a new mix in each epoch
_ITEMS_AT_ONCE = 32
_HIDDEN, _PIXELS, _MASK = "hidden", "pixels", "attention_mask"

_Row = dict[str, torch.Tensor]


class FrozenFeatureLoader:
    """Batches of inputs for the trained blocks of a model.

    The frozen blocks run over all items first, always in the same batches, so that a restarted run sees the same bits.

    Parameters
    ----------
    model : the blocks before its `first` must not change while the loader is used
    items : n items
    used : positions of the items that will be requested
    augmentation, resolution, max_tokens : as in `TuningSettings`
    keep : whether hidden values and decoded photos may be cached
    context : reports the progress of the frozen blocks; silent if None
    """

    def __init__(
        self,
        model: TrainableModel,
        items: Sequence[Any],
        used: IntArray,
        augmentation: str,
        *,
        resolution: float = 1.0,
        max_tokens: int = 0,
        keep: bool = True,
        context: RunContext | None = None,
    ) -> None:
        self._model, self._items, self._augmentation = model, items, augmentation
        self._resolution, self._max_tokens = resolution, max_tokens
        self._sizes = np.array([model.source.size(item) for item in items])
        self._rows: dict[tuple[int, bool], _Row] = {}
        self._pixels: dict[int, torch.Tensor] = {}
        self._n_bytes, self._mirrors = 0, False
        self._keeps_pixels = keep and not (model.first > 0 and is_cacheable(augmentation))
        if keep and model.first > 0:
            self._fill(used, context or RunContext())

    @property
    def are_kept(self) -> bool:
        """Whether the outputs of the frozen blocks are cached."""
        return bool(self._rows)

    def batches(self, index: IntArray, size: int, seed: int, epoch: int) -> list[IntArray]:
        """Split the items at `index` into batches of about `size`, mixed differently in each epoch."""
        rng = np.random.default_rng([seed, epoch])
        mixed = rng.permutation(index)
        span = size * _BATCHES_SORTED
        chunks = [mixed[i : i + span] for i in range(0, len(mixed), span)]
        ordered = np.concatenate([chunk[np.argsort(self._sizes[chunk], kind="stable")] for chunk in chunks])
        batches = np.array_split(ordered, max(1, round(len(ordered) / size)))
        return [batches[i] for i in rng.permutation(len(batches))]

    def draw(self, index: IntArray, generator: torch.Generator) -> tuple[torch.Tensor | None, Batch]:
        """Hidden values and batch of the items at `index`, augmented at random."""
        if self._rows and is_cacheable(self._augmentation):
            mirrored = torch.zeros(len(index), dtype=torch.bool)
            if self._augmentation != "none":
                mirrored = torch.rand(len(index), generator=generator) < 0.5
            rows = [self._rows[int(i), bool(m) and self._mirrors] for i, m in zip(index, mirrored, strict=True)]
            return self._padded([self._cut(row) for row in rows])
        batch = augment(self._preprocessed(index), self._augmentation, generator, resolution=self._resolution)
        return self._through(
            {name: array[:, : self._max_tokens or None] for name, array in batch.items()} if _MASK in batch else batch
        )

    def plain(self, index: IntArray) -> tuple[torch.Tensor | None, Batch]:
        """Hidden values and batch of the items at `index`, not augmented."""
        if self._rows:
            return self._padded([self._rows[int(i), False] for i in index])
        return self._through(self._preprocessed(index))

    def in_order(self, index: IntArray) -> list[IntArray]:
        """Split the items at `index` into batches of similar length, always the same, for inference."""
        order = index[np.argsort(-self._sizes[index], kind="stable")]
        return [order[i : i + _ITEMS_AT_ONCE] for i in range(0, len(order), _ITEMS_AT_ONCE)]

    def _fill(self, used: IntArray, context: RunContext) -> None:
        """Run the frozen blocks on the items that are used; mirrored photos too, where augmentation mirrors."""
        with context.progress(f"frozen blocks of {self._model.source.name}", len(used)) as steps:
            for part in self.in_order(used):
                batch = self._preprocessed(part)
                self._mirrors = self._augmentation == "flip" and _PIXELS in batch
                self._keep(part, *self._through(batch))
                if self._mirrors:
                    self._keep(part, *self._through({**batch, _PIXELS: batch[_PIXELS].flip(2)}), mirrored=True)
                if self._n_bytes * len(used) / (steps.done + len(part)) > _MAX_BYTES:  # the largest come first
                    self._rows.clear()
                    return
                steps.advance(len(part))

    def _keep(self, index: IntArray, hidden: torch.Tensor | None, batch: Batch, *, mirrored: bool = False) -> None:
        """Cache each item's rows without padding; the pixels of photos are not needed any more."""
        lengths = self._model.module.lengths(batch)
        arrays = {_HIDDEN: hidden} | ({} if lengths is None else dict(batch))
        for row_number, position in enumerate(index):
            end = None if lengths is None else max(1, int(lengths[row_number]))
            row = {name: array[row_number, :end].clone() for name, array in arrays.items() if array is not None}
            self._rows[int(position), mirrored] = row
            self._n_bytes += sum(array.nbytes for array in row.values())

    def _cut(self, row: _Row) -> _Row:
        """The first `max_tokens` of a text."""
        if not self._max_tokens or _MASK not in row:
            return row
        return {name: array[: self._max_tokens] for name, array in row.items()}

    def _padded(self, rows: list[_Row]) -> tuple[torch.Tensor, Batch]:
        joined = {name: pad_sequence([row[name] for row in rows], batch_first=True) for name in rows[0]}
        return joined.pop(_HIDDEN), joined

    def _preprocessed(self, index: IntArray) -> Batch:
        if self._pixels and all(int(i) in self._pixels for i in index):
            return {_PIXELS: torch.stack([self._pixels[int(i)] for i in index])}
        arrays = self._model.source.input.transform([self._items[i] for i in index])
        batch = {name: torch.from_numpy(array).to(self._model.device) for name, array in arrays.items()}
        if self._keeps_pixels and _PIXELS in batch and len(batch) == 1:
            room = _MAX_BYTES // batch[_PIXELS][0].nbytes - len(self._pixels)
            self._pixels |= {
                int(i): photo.clone() for i, photo in list(zip(index, batch[_PIXELS], strict=True))[: max(room, 0)]
            }
        return batch

    def _through(self, batch: Batch) -> tuple[torch.Tensor | None, Batch]:
        """Run the frozen blocks."""
        if self._model.first == 0:
            return None, batch
        with torch.no_grad():
            return self._model.module.run(None, batch, end=self._model.first), batch
