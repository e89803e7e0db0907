"""PlainBlocks: the features of a dataset that owe nothing to pretraining, fitted on the training part of each fold."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from headstart.data.packed_sequence import taken
from headstart.features.encoders import plain_encoders, row_encoders

if TYPE_CHECKING:
    from collections.abc import Iterator

    from headstart.core.dataset import Dataset, IntArray
    from headstart.features.encoders import Encoder, FittedEncoder

_N_KEPT = 6  # fits: of each fold, and of all items


@dataclass(frozen=True, kw_only=True)
class PlainBlock:
    """One encoder on one field, or on several together.

    Attributes
    ----------
    field : that it reads; None if it reads items as they are
    rows : shape (n, d), of all items of the dataset, sparse or dense
    """

    name: str
    field: str | None
    encoder: FittedEncoder
    rows: Any


@dataclass(frozen=True)
class PlainBlocks:
    """The encoders of all fields of a dataset."""

    dataset: Dataset
    _fitted: dict[bytes, tuple[PlainBlock, ...]] = field(default_factory=dict, repr=False)

    @property
    def names(self) -> frozenset[str]:
        """Names of the blocks."""
        return frozenset(part.name for part in self._parts())

    def of_field(self, name: str) -> frozenset[str]:
        """Names of the blocks of one field, which read no other."""
        return frozenset(part.name for part in self._parts() if part.reads == (name,))

    def fit(self, index: IntArray) -> tuple[PlainBlock, ...]:
        """Fit the encoders on the items at `index` and encode all items; the last few fits are kept."""
        key = index.tobytes()
        if key not in self._fitted:
            while len(self._fitted) >= _N_KEPT:
                del self._fitted[next(iter(self._fitted))]
            self._fitted[key] = tuple(self._fit(index))
        return self._fitted[key]

    def _fit(self, index: IntArray) -> Iterator[PlainBlock]:
        for part in self._parts():
            values = self.dataset.items if part.field is None else self.dataset.values_of(part.field)
            fitted = part.encoder.fit(taken(values, index))
            yield PlainBlock(name=part.name, field=part.field, encoder=fitted, rows=fitted.encode(values))

    def _parts(self) -> Iterator[_Part]:
        fields = self.dataset.fields
        is_alone = len(fields) == 1
        for one in fields:
            for encoder in plain_encoders(one.modality):
                name = encoder.name if is_alone else f"{encoder.name} of {one.name}"
                yield _Part(name, None if is_alone else one.name, encoder, (one.name,))
        for encoder in row_encoders(fields):
            yield _Part(encoder.name, None, encoder, tuple(one.name for one in encoder.fields))


@dataclass(frozen=True)
class _Part:
    """An encoder, what it is given, and the names of the fields that it looks at."""

    name: str
    field: str | None
    encoder: Encoder
    reads: tuple[str, ...]
