"""What a stage may ask of an input, a source, a head and a predictor."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from headstart.core.dataset import FloatArray

Batch = dict[str, "NDArray[np.generic]"]
"""The arrays that a graph takes, by input name; the first axis is the batch."""


@runtime_checkable
class Preprocessor(Protocol):
    """Preprocessing: items become the arrays that the graph takes. It travels in the bundle's manifest."""

    @property
    def kind(self) -> str:
        """The name under which it is registered."""
        ...

    def prepare(self, items: Sequence[Any]) -> Batch:
        """Turn items into one batch; the result for an item does not depend on the others but for padding."""
        ...

    def settings(self) -> dict[str, Any]:
        """All that is needed to build this input again, as JSON values."""
        ...

    def files(self) -> Mapping[str, bytes]:
        """Files that travel with the settings (a tokenizer, a vocabulary), by name."""
        ...


@runtime_checkable
class Network(Protocol):
    """Something that adds its computation to a graph: a source, a baseline's network."""

    @property
    def input(self) -> Preprocessor:
        """The preprocessing in front of the network."""
        ...

    def encode(self, graph: Any) -> str:
        """Declare the graph's inputs, add the nodes, and return the value of shape (batch, dimensions)."""
        ...


@runtime_checkable
class PretrainedNetwork(Network, Protocol):
    """A pretrained network without its head."""

    name: str
    modality: str
    dimensions: int
    digest: str
    """sha256 over weights and preprocessing, hex: the identity of its features."""


@runtime_checkable
class Head(Protocol):
    """What stands on the features: shape (n, d) becomes shape (n, k).

    Outputs are probabilities for a classification (rows sum to one unless multi-label), values for a regression.
    """

    def outputs(self, features: FloatArray) -> FloatArray:
        """Predict from features."""
        ...

    def extend(self, graph: Any, features: str) -> str:
        """Add the head's nodes after the value `features` and return the value of the outputs."""
        ...

    def arrays(self) -> Mapping[str, FloatArray]:
        """The fitted arrays by name, for `head.safetensors`."""
        ...

    def settings(self) -> dict[str, Any]:
        """What the arrays mean, as JSON values."""
        ...


@runtime_checkable
class Predictor(Protocol):
    """Network and head together: what a bundle packs and what a baseline is."""

    @property
    def name(self) -> str:
        """What people call it."""
        ...

    @property
    def network(self) -> Network:
        """The part that meets the input."""
        ...

    @property
    def head(self) -> Head:
        """The part that gives the outputs."""
        ...

    def predict(self, items: Sequence[Any]) -> FloatArray:
        """Outputs for items, shape (n, k), computed by the fitted object itself (not by the packed graph)."""
        ...
