"""What every network in a graph promises: `headstart.sources.networks.onnx`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from headstart.testing.checks import example_of, expect, expect_close, expect_equal, source_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from headstart.core.arrays import FloatArray
    from headstart.sources import Source
    from headstart.testing.checks import Subject


def cases(subject: Subject) -> dict[str, OnnxNetworkChecks]:
    """The small source of the example is the only case."""
    return {"": OnnxNetworkChecks(subject.part, source_of(subject.name))}


def items_of(source: Source) -> Sequence[Any]:
    """Items that the source can read: those of the example of its preprocessor."""
    items: Sequence[Any] = example_of("preprocessors", source.input.kind).items
    return items


def features_of(source: Source, items: Sequence[Any]) -> FloatArray:
    """What the graph gives for items, shape (n, dimensions)."""
    features: FloatArray = source.session().run(None, source.input.transform(items))[0]
    return features


@dataclass(frozen=True)
class OnnxNetworkChecks:
    """A network in miniature."""

    network: Any
    source: Source

    def check_says_how_it_runs(self) -> None:
        """It says how many items one thread runs at a time."""
        size = getattr(self.network, "BATCH_SIZE", None)
        expect(isinstance(size, int) and size >= 1, f"Expected a BATCH_SIZE of 1 or more, got {size}.")

    def check_features_are_sound(self) -> None:
        """Features are finite, float32, and as many as the card says."""
        items = items_of(self.source)
        features = features_of(self.source, items)
        expect_equal(features.shape, (len(items), self.source.dimensions), "the shape of the features")
        expect_equal(features.dtype.name, "float32", "the type of the features")
        expect(np.isfinite(features).all(), "Expected finite features, got others.")

    def check_an_item_does_not_depend_on_the_others(self) -> None:
        """An item has the same features alone as beside others."""
        items = items_of(self.source)
        together, alone = features_of(self.source, items), features_of(self.source, items[:1])
        expect_close(together[:1], alone, "the features of an item among others", atol=1e-5, rtol=1e-5)

    def check_graph_is_deterministic(self) -> None:
        """The same state gives the same features, to the last bit."""
        items = items_of(self.source)
        expect_equal(features_of(self.source, items), features_of(self.source, items), "the features")

    def check_random_weights_follow_from_the_seed(self) -> None:
        """Fresh weights keep shape and type, are finite, and follow from the seed alone."""
        state = self.source.state()
        once, again, other = (self.source.with_random_weights(seed).state() for seed in (3, 3, 4))
        for name, array in state.items():
            expect_equal(once[name].shape, array.shape, f"the shape of the fresh '{name}'")
            expect_equal(once[name].dtype, array.dtype, f"the type of the fresh '{name}'")
            expect(np.isfinite(once[name]).all(), f"Expected finite fresh weights, got others in '{name}'.")
            expect_equal(again[name], once[name], f"the fresh '{name}' of the same seed")
        changed = any(not np.array_equal(once[name], other[name]) for name in state)
        expect(changed, "Expected other weights of another seed, got the same.")
