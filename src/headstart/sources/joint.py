"""JointSource: two or three sources as one, their features side by side."""

from __future__ import annotations

import hashlib
from functools import cached_property
from typing import TYPE_CHECKING, Any

from headstart.sources.preprocessors.joint import JointPreprocessor, prefix_of

if TYPE_CHECKING:
    from headstart.sources.source import Source


class JointSource:
    """A source (`core.model.PretrainedNetwork`) made of sources of one modality, each with its own preprocessing.

    Attributes
    ----------
    sources : two or more
    parts : the columns of each source's features, by its name
    """

    def __init__(self, sources: tuple[Source, ...]) -> None:
        self.sources = sources
        self.name: str = " and ".join(source.name for source in sources)
        self.modality: str = sources[0].modality
        self.dimensions: int = sum(source.dimensions for source in sources)
        self.digest: str = hashlib.sha256("".join(source.digest for source in sources).encode()).hexdigest()

    @cached_property
    def parts(self) -> dict[str, slice]:
        """The columns of each source's features."""
        parts, start = {}, 0
        for source in self.sources:
            parts[source.name] = slice(start, start + source.dimensions)
            start += source.dimensions
        return parts

    @property
    def is_trainable(self) -> bool:
        """Whether its network can be tuned: several at once cannot."""
        return False

    @cached_property
    def input(self) -> JointPreprocessor:
        """All preprocessing, one after the other."""
        return JointPreprocessor(inputs=tuple(source.input for source in self.sources))

    def describe(self) -> dict[str, Any]:
        """The cards as one: of the first source, with what differs named source by source."""
        cards = [source.describe() for source in self.sources]
        joined = {
            field: "; ".join(f"{card['name']}: {card[field]}" for card in cards)
            for field in ("license", "trained_on", "known_bias", "paper")
        }
        sums = {field: sum(card[field] for card in cards) for field in ("dimensions", "parameters", "gmacs")}
        return {**cards[0], **joined, **sums, "name": self.name}

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
        return kept[0] if len(kept) == 1 else JointSource(kept)

    def with_random_weights(self, seed: int) -> JointSource:
        """Give the same networks with fresh random weights."""
        return JointSource(tuple(source.with_random_weights(seed) for source in self.sources))
