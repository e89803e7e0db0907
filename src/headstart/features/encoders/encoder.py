"""What a plain encoder is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from headstart.core import registry

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from headstart.core.blocks import Block
    from headstart.core.dataset import Field, FloatArray
    from headstart.core.model import Preprocessor, ScoringNetwork


class Encoder(Protocol):
    """Frozen settings and one verb."""

    name: ClassVar[str]
    modality: ClassVar[str]
    """What the field that it reads holds."""

    def fit(self, values: Sequence[Any]) -> FittedEncoder:
        """Learn from some values of a field and from nothing else; the same values give the same encoder."""
        ...


class RowEncoder(Encoder, Protocol):
    """An encoder that reads rows: all fields together whose modality it can read.

    It is made with these `fields`, and with `is_alone` where there is one field and items are its values.
    """

    joins_fields: ClassVar[bool]
    """True."""
    modalities: ClassVar[frozenset[str]]

    @property
    def fields(self) -> tuple[Field, ...]:
        """The fields that it reads."""
        ...


class FittedEncoder(Protocol):
    """An encoder after its fit: it turns any values of the field into features."""

    @property
    def input(self) -> Preprocessor:
        """What it does first, which travels with a model."""
        ...

    @property
    def block(self) -> Block:
        """Its features: how many there are, and that none is pretrained."""
        ...

    def encode(self, values: Sequence[Any]) -> Any:
        """Give the features of n values, an array or a sparse CSR matrix of shape (n, d)."""
        ...

    def scoring(self, coef: FloatArray) -> ScoringNetwork:
        """Make the network whose values are `encode(values) @ coef`; `coef` has shape (d, k)."""
        ...


def plain_encoders(modality: str) -> tuple[Encoder, ...]:
    """Make all registered encoders that read a modality, with their default settings, in the order of their names."""
    return tuple(kind() for kind in _kinds() if kind.modality == modality and not _joins_fields(kind))


def row_encoders(fields: Sequence[Field]) -> tuple[RowEncoder, ...]:
    """Make all registered encoders that read several fields of rows together, each with the fields that it can read."""
    found = [
        (kind, tuple(one for one in fields if one.modality in kind.modalities))
        for kind in _kinds()
        if _joins_fields(kind)
    ]
    return tuple(kind(fields=own, is_alone=len(fields) == 1) for kind, own in found if own)


def _kinds() -> Iterator[Any]:
    return (registry.get("encoders", name) for name in registry.names("encoders"))


def _joins_fields(kind: Any) -> bool:
    return bool(getattr(kind, "joins_fields", False))
