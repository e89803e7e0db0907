"""InContextSource: a pretrained network that learns a table by reading it, without training or features of its own."""

from __future__ import annotations

import hashlib
import json
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from headstart.sources.card import WEIGHTS
from headstart.sources.fetching import read_file
from headstart.sources.networks.numpy.tabpfn import TabPFN
from headstart.sources.weights import from_safetensors

if TYPE_CHECKING:
    from pathlib import Path

    from headstart.core.dataset import FloatArray
    from headstart.sources.card import Card
    from headstart.sources.weights import State


class InContextSource:
    """A network whose files lie in the cache.

    Attributes
    ----------
    name : as on the card
    digest : sha256 over weights and network, hex
    max_rows, max_columns, max_classes : the largest table that it was trained on
    """

    def __init__(self, card: Card, folder: Path) -> None:
        self.card = card
        self.folder = folder
        self.name: str = card.name
        limits = card.network
        self.max_rows, self.max_columns, self.max_classes = (
            int(limits[name]) for name in ("max_rows", "max_columns", "max_classes")
        )
        identity = {"architecture": card.architecture, "network": card.network, "files": card.files}
        self.digest: str = hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()

    def describe(self) -> dict[str, Any]:
        """The card as plain values."""
        return self.card.to_dict()

    def state(self) -> State:
        """Read the weights from the checked file.

        Raises
        ------
        SourceError
            The file is missing or has changed.
        """
        return from_safetensors(read_file(self.card, self.folder, WEIGHTS))

    @cached_property
    def network(self) -> TabPFN:
        """The network, its matrices rounded to half precision, in which a bundle keeps them (docs/log.md)."""
        rounded = {
            name: array.astype(np.float16).astype(np.float32) if array.ndim == 2 else array
            for name, array in self.state().items()
        }
        return TabPFN(rounded, n_heads=self.card.network["heads"])

    def answer_to_fixed_context(self) -> FloatArray:
        """Scores of the classes for one fixed row after a fixed context, shape (max_classes,): the test input of the card."""
        network = TabPFN(self.state(), n_heads=self.card.network["heads"])
        steps = np.arange(24, dtype=np.float32)
        rows = np.sin(steps[:, None] * np.array([1, 2, 5], np.float32))
        memory = network.remember(rows * np.float32(self.max_columns / 3), (rows.sum(axis=1) > 0).astype(np.int64))
        scores: FloatArray = network.scores(memory, np.array([[30, -20, 10]], np.float32))[0]
        return scores
