"""PlainBlocks: the features of a dataset that owe nothing to pretraining, fitted on the training part of each fold."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from headstart.features.encoders import plain_encoders

if TYPE_CHECKING:
    from collections.abc import Iterator

    from headstart.core.dataset import Dataset, Field, IntArray
    from headstart.features.encoders import Encoder, FittedEncoder

_N_KEPT = 6  # fits: of each fold, and of all items


@dataclass(frozen=True, kw_only=True)
class PlainBlock:
    """One encoder on one field.

    Attributes
    ----------
    field : that it reads; None if an item is its one value
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
        return frozenset(self._name(encoder.name, one.name) for one, encoder in self._parts())

    def of_field(self, name: str) -> frozenset[str]:
        """Names of the blocks of one field."""
        return frozenset(self._name(encoder.name, one.name) for one, encoder in self._parts() if one.name == name)

    def fit(self, index: IntArray) -> tuple[PlainBlock, ...]:
        """Fit the encoders on the items at `index` and encode all items; the last few fits are kept."""
        key = index.tobytes()
        if key not in self._fitted:
            while len(self._fitted) >= _N_KEPT:
                del self._fitted[next(iter(self._fitted))]
            self._fitted[key] = tuple(self._fit(index))
        return self._fitted[key]

    def _fit(self, index: IntArray) -> Iterator[PlainBlock]:
        is_alone = len(self.dataset.fields) == 1
        for one, encoder in self._parts():
            values = self.dataset.values_of(one.name)
            fitted = encoder.fit([values[i] for i in index])
            yield PlainBlock(
                name=self._name(encoder.name, one.name),
                field=None if is_alone else one.name,
                encoder=fitted,
                rows=fitted.encode(values),
            )

    def _parts(self) -> Iterator[tuple[Field, Encoder]]:
        return ((one, encoder) for one in self.dataset.fields for encoder in plain_encoders(one.modality))

    def _name(self, encoder: str, field: str) -> str:
        return encoder if len(self.dataset.fields) == 1 else f"{encoder} of {field}"
