"""Protocols of a preprocessor, a source, a head and a predictor."""

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
        """The name it is registered under."""
        ...

    def transform(self, items: Sequence[Any]) -> Batch:
        """Turn items into one batch; the result for an item depends on the others only through padding."""
        ...

    def settings(self) -> dict[str, Any]:
        """Everything needed to rebuild it, as JSON values."""
        ...

    def files(self) -> Mapping[str, bytes]:
        """Files that go with the settings (a tokenizer, a vocabulary), by name."""
        ...


@runtime_checkable
class Network(Protocol):
    """Something that adds its computation to a graph: a source, or a baseline's network."""

    @property
    def input(self) -> Preprocessor:
        """The preprocessor before the network."""
        ...

    def encode(self, graph: Any) -> str:
        """Declare the graph's inputs, add the nodes, and return the value of shape (batch, dimensions)."""
        ...


@runtime_checkable
class ScoringNetwork(Network, Protocol):
    """A network that can also be computed outside its graph."""

    def scores(self, items: Sequence[Any]) -> FloatArray:
        """The values of the graph of `encode` for items, shape (n, k)."""
        ...


@runtime_checkable
class PretrainedNetwork(Network, Protocol):
    """A pretrained network without its head."""

    name: str
    modality: str
    dimensions: int
    digest: str
    """sha256 of weights and preprocessing, hex: identifies its features."""


@runtime_checkable
class Head(Protocol):
    """What computes outputs from features: shape (n, d) becomes shape (n, k).

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
        """How to read the arrays, as JSON values."""
        ...


@runtime_checkable
class Predictor(Protocol):
    """Network and head together: the model or baseline that a bundle packs."""

    @property
    def name(self) -> str:
        """Its name for people."""
        ...

    @property
    def network(self) -> Network:
        """The part that reads the items."""
        ...

    @property
    def head(self) -> Head:
        """The part that computes the outputs."""
        ...

    def predict(self, items: Sequence[Any]) -> FloatArray:
        """Outputs for items, shape (n, k), computed by the fitted object itself (not by the packed graph)."""
        ...
