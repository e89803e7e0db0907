"""Source: a pretrained network that is checked and ready to encode."""

from __future__ import annotations

import hashlib
import json
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from headstart.core import registry
from headstart.core.blocks import Block
from headstart.core.errors import SourceError, first_line, require
from headstart.data.modalities import get_modality
from headstart.onnx_graph.builder import GraphBuilder
from headstart.onnx_graph.session import open_session, runtime_errors
from headstart.sources import preprocessors
from headstart.sources.card import WEIGHTS
from headstart.sources.fetching import read_file
from headstart.sources.networks.torch import load_state
from headstart.sources.weights import from_safetensors

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    import torch

    from headstart.core.model import Preprocessor
    from headstart.sources.card import Card
    from headstart.sources.weights import State

_REVISION = (
    1  # raise it when any built-in computation or preprocessing changes: features kept from before no longer count
)


class Source:
    """A source (`core.model.PretrainedNetwork`) whose files lie in the cache.

    Attributes
    ----------
    name, modality, dimensions : as on the card
    digest : sha256 over weights, network and preprocessing, hex
    card : the full record
    batch_size : how many items one thread runs at a time, at most
    """

    def __init__(self, card: Card, folder: Path, *, seed: int | None = None) -> None:
        self.card = card
        self.folder = folder
        self.seed = seed
        self.name: str = card.name if seed is None else f"{card.name} (random weights)"
        self.modality: str = card.modality
        self._reads = get_modality(card.modality)
        self.dimensions: int = card.dimensions
        self.digest: str = _digest(card, seed)
        self._architecture = registry.get("onnx_networks", card.architecture)
        self.batch_size: int = self._architecture.BATCH_SIZE

    @property
    def blocks(self) -> tuple[Block, ...]:
        """Its features: one block."""
        return (Block(name=self.name, stop=self.dimensions, is_pretrained=self.seed is None),)

    @property
    def parts(self) -> dict[str, slice]:
        """The columns of its features, by its name: all of them."""
        return {block.name: block.columns for block in self.blocks}

    def describe(self) -> dict[str, Any]:
        """The card as plain values."""
        return self.card.to_dict()

    @cached_property
    def input(self) -> Preprocessor:
        """The preprocessing in front of the network."""
        files = self._read(name for name in self.card.files if name != WEIGHTS)
        return preprocessors.build(self.card.input["kind"], self.card.input, files)

    def key(self, item: Any) -> bytes:
        """Hash the content of an item: equal contents have equal keys of 16 bytes, wherever they lie.

        Raises
        ------
        DataError
            A file cannot be read; the message names it.
        """
        return self._reads.key(item)

    def size(self, item: Any) -> int:
        """Say how long an item is, where that decides its cost: batches are made of items of like size."""
        return self._reads.size(item)

    def batch_of(self, size: int) -> int:
        """Say how many items of that size one thread runs at a time fastest."""
        return max(1, min(self.batch_size, self._reads.most_together(size)))

    def state(self) -> State:
        """Read the weights, each time from the checked file.

        Raises
        ------
        SourceError
            The file is missing or has changed.
        """
        state = from_safetensors(read_file(self.card, self.folder, WEIGHTS))
        if self.seed is None:
            return state
        rng = np.random.default_rng(self.seed)
        return {name: self._architecture.initialise(name, state[name], rng) for name in sorted(state)}

    def encode(self, graph: Any) -> str:
        """Declare the graph's inputs, add the network, and return the value of shape (batch, dimensions)."""
        names = getattr(self._architecture, "FILES", ())
        more = {"files": self._read(names)} if names else {}
        value: str = self._architecture.encode(graph, self.state(), self.card, **more)
        return value

    def _read(self, names: Iterable[str]) -> dict[str, bytes]:
        return {name: read_file(self.card, self.folder, name) for name in names}

    def session(self) -> Any:
        """Make an ONNX Runtime session whose one output is `features`; threads may share it, a thread a batch."""
        require("onnx", extra="train", purpose="running a pretrained network")
        graph = GraphBuilder()
        graph.output(self.encode(graph), "features", "float32", ["batch", self.dimensions])
        try:
            # a thread a batch beats threads inside a batch (docs/log.md)
            return open_session(graph.model(check=False).SerializeToString(), threads=1)
        except runtime_errors() as error:
            raise SourceError(f"ONNX Runtime refuses the network: {first_line(error)}") from error

    @property
    def is_trainable(self) -> bool:
        """Whether `module` can build it."""
        return self.card.architecture in registry.names("torch_networks")

    @cached_property
    def is_tunable(self) -> bool:
        """Whether tuning is worth its time: it can be trained and has layers, which a table of word vectors has not."""
        return self.is_trainable and any(array.ndim == 1 for array in self.state().values())

    def module(self) -> torch.nn.Module:
        """Build the network as a torch module with its weights loaded, in eval mode, to be trained (`sources.modules`).

        Its `forward(**batch)` takes the arrays of `input.transform` as tensors and gives the features of `session()`; its
        `blocks` map names to submodules from the input to the output.

        Raises
        ------
        MissingExtraError
            torch is not installed.
        SourceError
            The network is known as a graph alone, as most added ones are.
        """
        if not self.is_trainable:
            raise SourceError(f"{self.name} came as a graph and cannot be trained. Use its frozen features.")
        require("torch", extra="train", purpose="training a network")
        state = self.state()
        module: torch.nn.Module = registry.get("torch_networks", self.card.architecture)(state, self.card)
        load_state(module, state)
        return module.train(mode=False)

    def with_random_weights(self, seed: int) -> Source:
        """Give the same network with fresh random weights: what it does without having been pretrained."""
        return Source(self.card, self.folder, seed=seed)


def _digest(card: Card, seed: int | None) -> str:
    identity = {
        "revision": _REVISION,
        "architecture": card.architecture,
        "network": card.network,
        "input": card.input,
        "files": card.files,
        "seed": seed,
    }
    draw = getattr(registry.get("onnx_networks", card.architecture), "DRAW", None)
    if seed is not None and draw is not None:
        identity["draw"] = draw
    return hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()
