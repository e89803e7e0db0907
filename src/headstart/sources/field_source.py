"""FieldSource: a source that reads one field of rows."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from headstart.core.blocks import Block
    from headstart.core.model import Preprocessor
    from headstart.sources.source import Source


class FieldSource:
    """A part of a `JointSource` (`sources.joint`), which takes the field out of each row.

    Its input and its network read the field's values, and its digest is the source's own: features are kept by content, whatever
    the field is called.

    Attributes
    ----------
    source : what reads the values
    field : name of the field
    """

    def __init__(self, source: Source, field: str) -> None:
        self.source = source
        self.field = field
        self.name: str = f"{source.name} on {field}"
        self.modality: str = source.modality
        self.dimensions: int = source.dimensions
        self.digest: str = source.digest

    @property
    def blocks(self) -> tuple[Block, ...]:
        """Its features: one block of the field."""
        return tuple(replace(block, name=self.name, field=self.field) for block in self.source.blocks)

    @property
    def parts(self) -> dict[str, slice]:
        """The columns of its features, by its name: all of them."""
        return {block.name: block.columns for block in self.blocks}

    @property
    def input(self) -> Preprocessor:
        """The preprocessing of the field's values."""
        return self.source.input

    def describe(self) -> dict[str, Any]:
        """The card as plain values, with the field in its name."""
        return {**self.source.describe(), "name": self.name}

    def encode(self, graph: Any) -> str:
        """Add the network."""
        return self.source.encode(graph)

    def with_random_weights(self, seed: int) -> FieldSource:
        """Give the same network with fresh random weights."""
        return FieldSource(self.source.with_random_weights(seed), self.field)
