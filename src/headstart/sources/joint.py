"""JointSource: several sources as one, their features side by side."""

from __future__ import annotations

import hashlib
from functools import cached_property
from typing import TYPE_CHECKING, Any

from headstart.core.blocks import side_by_side
from headstart.core.dataset import ROW
from headstart.sources.field_source import FieldSource
from headstart.sources.preprocessors.joint import JointPreprocessor, prefix_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from headstart.core.blocks import Block
    from headstart.sources.source import Source


NO_SOURCE = "none"
"""What nothing pretrained is called."""


class JointSource:
    """A source (`core.model.PretrainedNetwork`) made of others, each with its own preprocessing.

    Either all read items of one modality, two or more; or all read a field each of rows, one or more. Of none at all it has no
    features: nothing is pretrained then.

    Attributes
    ----------
    sources : what it is made of
    parts : the columns of each source's features, by its name
    """

    def __init__(self, sources: tuple[Source | FieldSource, ...]) -> None:
        self.sources = sources
        self.name: str = " and ".join(source.name for source in sources) or NO_SOURCE
        self.reads_rows = any(isinstance(source, FieldSource) for source in sources)
        self.modality: str = ROW if self.reads_rows or not sources else sources[0].modality
        self.dimensions: int = sum(source.dimensions for source in sources)
        self.digest: str = hashlib.sha256("".join(map(_identity, sources)).encode()).hexdigest()

    @cached_property
    def blocks(self) -> tuple[Block, ...]:
        """The features of each source, side by side."""
        return side_by_side(block for source in self.sources for block in source.blocks)

    @cached_property
    def parts(self) -> dict[str, slice]:
        """The columns of each source's features."""
        return {block.name: block.columns for block in self.blocks}

    @property
    def is_trainable(self) -> bool:
        """Whether its network can be tuned: several at once cannot."""
        return False

    @property
    def is_tunable(self) -> bool:
        """Whether tuning is worth its time: see `is_trainable`."""
        return False

    @cached_property
    def input(self) -> JointPreprocessor:
        """All preprocessing, one after the other."""
        return JointPreprocessor(
            inputs=tuple(source.input for source in self.sources), fields=tuple(map(_field_of, self.sources))
        )

    def describe(self) -> dict[str, Any]:
        """The cards as one, by `join_cards`."""
        return join_cards([source.describe() for source in self.sources])

    def encode(self, graph: Any) -> str:
        """Add every network, its inputs named apart, and join the values to (batch, dimensions)."""
        values = []
        for i, source in enumerate(self.sources):
            with graph.inputs_named(prefix_of(i)):
                values.append(source.encode(graph))
        joined: str = graph.op("Concat", *values, axis=1)
        return joined

    def only(self, names: set[str]) -> Source | JointSource:
        """Keep the sources of these names."""
        kept = tuple(source for source in self.sources if source.name in names)
        return JointSource(kept) if len(kept) > 1 or isinstance(kept[0], FieldSource) else kept[0]

    def with_random_weights(self, seed: int) -> JointSource:
        """Give the same networks with fresh random weights."""
        return JointSource(tuple(source.with_random_weights(seed) for source in self.sources))


def join_cards(cards: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Several cards as one: the first, with what differs named source by source; empty if there is none.

    Parameters
    ----------
    cards : as `describe` gives them
    """
    if len(cards) < 2:
        return dict(cards[0]) if cards else {}
    joined = {
        field: "; ".join(f"{card['name']}: {card[field]}" for card in cards)
        for field in ("license", "trained_on", "known_bias", "paper")
    }
    sums = {field: sum(card[field] for card in cards) for field in ("dimensions", "parameters", "gmacs")}
    tuned = next(({"tuned": card["tuned"]} for card in cards if "tuned" in card), {})
    return {**cards[0], **joined, **sums, **tuned, "name": " and ".join(card["name"] for card in cards)}


def _field_of(source: Source | FieldSource) -> str | None:
    return source.field if isinstance(source, FieldSource) else None


def _identity(source: Source | FieldSource) -> str:
    """The digest, of which features are known, and the field that they are of."""
    return f"{source.digest} on {source.field};" if isinstance(source, FieldSource) else source.digest
