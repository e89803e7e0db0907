"""TunedSource: the network of another source with weights that were tuned from its own."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import numpy as np

from headstart.core.errors import SourceError
from headstart.sources.source import Source

if TYPE_CHECKING:
    from collections.abc import Mapping

    from headstart.core.dataset import FloatArray
    from headstart.sources.weights import State

_WORDS = {
    "fine-tune": "fine-tuned",
    "lora": "tuned by LoRA",
    "bitfit": "biases tuned",
    "contrastive": "tuned by contrast",
}


class TunedSource(Source):
    """A source that is computed, embedded, packed and trained again as any other: only its weights differ.

    Parameters
    ----------
    parent : whose card, files and preprocessing it shares; it may be tuned itself
    state : the tuned arrays, float32, named as in the parent's state; those left out are the parent's
    made : how, as JSON values: `method`, `settings`, `alpha` (the share of the way from the parent), `seed`, `dataset`
    adapter : where few arrays say it all, those from which `packaging.adapter` makes `state` again

    Attributes
    ----------
    digest : sha256 over the parent's digest and the tuned arrays, hex
    tuned : those arrays
    """

    def __init__(
        self,
        parent: Source,
        state: Mapping[str, FloatArray],
        *,
        made: Mapping[str, Any],
        adapter: Mapping[str, FloatArray] | None = None,
    ) -> None:
        super().__init__(parent.card, parent.folder, seed=parent.seed)
        self.parent = parent
        self.made = dict(made)
        self.adapter = dict(adapter or {})
        self.name = f"{parent.name}, {_WORDS.get(made['method'], 'tuned by ' + made['method'])}"
        self.tuned: State = {name: np.asarray(array, np.float32) for name, array in state.items()}
        _check(self.tuned, parent)
        self.digest = _digest(self.tuned, parent)

    def describe(self) -> dict[str, Any]:
        """The parent's card, what it was trained on since, and under `tuned` how that was done and from what."""
        said = self.parent.describe()
        trained_on = f"{said['trained_on']}; then tuned on {self.made['dataset']}"
        return {**said, "name": self.name, "trained_on": trained_on, "tuned": self.record()}

    def record(self) -> dict[str, Any]:
        """What it was made of, and how."""
        return {"parent": {"name": self.parent.name, "digest": self.parent.digest}, **self.made}

    def state(self) -> State:
        """Give the tuned weights, and the parent's where none were tuned."""
        return {**self.parent.state(), **self.tuned}


def _check(tuned: State, parent: Source) -> None:
    known = parent.state()
    for name, array in tuned.items():
        if name not in known:
            raise SourceError(f"{parent.name} has no array '{name}', so it cannot be tuned. Use names of its state.")
        if array.shape != known[name].shape:
            raise SourceError(
                f"'{name}' of {parent.name} has the shape {known[name].shape}, but tuned came {array.shape}."
            )


def _digest(tuned: State, parent: Source) -> str:
    digest = hashlib.sha256(parent.digest.encode())
    for name, array in sorted(tuned.items()):
        digest.update(f"{name} {array.shape}".encode())
        digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()
