"""Adapter: the arrays that make a tuned source again from its parent, kept beside the graph: one base serves many."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from headstart.core.errors import InternalError, SourceError
from headstart.evaluation.mixed import MixedNetwork
from headstart.sources.tuned import TunedSource
from headstart.sources.weights import from_safetensors

if TYPE_CHECKING:
    from collections.abc import Mapping

    from headstart.core.dataset import FloatArray
    from headstart.core.model import Network
    from headstart.sources import Source

ADAPTER = "adapter.safetensors"
_INNER, _OUTER = ".lora_A.weight", ".lora_B.weight"
_TOLERANCE = 1e-5
_RECORD = "tuned"  # the one key of the file's metadata: with several their order would differ between runs


@dataclass(frozen=True, kw_only=True)
class Adapter:
    """What a bundle's `adapter.safetensors` holds.

    Attributes
    ----------
    arrays : as `apply_adapter` takes them
    parent : `name` and `digest` of the source that they were made for
    made : how, as in `TunedSource`
    """

    arrays: Mapping[str, FloatArray]
    parent: Mapping[str, str]
    made: Mapping[str, Any]

    def into(self, source: Source) -> TunedSource:
        """Make the tuned source again.

        Raises
        ------
        SourceError
            It was made for another network.
        """
        if source.digest != self.parent["digest"]:
            raise SourceError(
                f"the adapter was made for {self.parent['name']} with other weights, or computed otherwise, than "
                f"{source.name} here. Use the Headstart that made it, or fit again."
            )
        return apply_adapter(source, self.arrays, made=self.made)


def apply_adapter(source: Source, arrays: Mapping[str, FloatArray], *, made: Mapping[str, Any]) -> TunedSource:
    """Put an adapter's arrays into the network that they were made for.

    Parameters
    ----------
    arrays : whole arrays under their own names, put in place; and pairs `x.lora_A.weight` (r, in, …) and `x.lora_B.weight`
        (out, r, …), whose product is added to `x.weight`: the scale of LoRA's paper, alpha / r, is in `lora_B` already
    made : how it was tuned, as in `TunedSource`

    Raises
    ------
    SourceError
        The arrays do not fit the network.

    References
    ----------
    Hu et al., LoRA: Low-rank adaptation of large language models, arXiv:2106.09685.
    """
    known = source.state()
    layers = [name.removesuffix(_INNER) for name in arrays if name.endswith(_INNER)]
    state = {name: array for name, array in arrays.items() if not name.endswith((_INNER, _OUTER))}
    for layer in layers:
        try:
            weight, inner, outer = known[f"{layer}.weight"], arrays[layer + _INNER], arrays[layer + _OUTER]
            product = outer.reshape(-1, len(inner)) @ inner.reshape(len(inner), -1)
            state[f"{layer}.weight"] = weight + product.reshape(weight.shape)
        except (KeyError, ValueError) as error:
            raise SourceError(f"the adapter of '{layer}' does not fit {source.name} ({error}). Fit again.") from error
    return TunedSource(source, state, made=made, adapter=arrays)


def tuned_part(network: Network) -> TunedSource | None:
    """The tuned source that a network is, or that is among the networks of a mean; None if there is none."""
    parts = network.sources if isinstance(network, MixedNetwork) else (network,)
    return next((part for part in parts if isinstance(part, TunedSource)), None)


def pack_adapter(source: TunedSource) -> bytes:
    """Write what makes a tuned source again from its parent: its small adapter, or else the arrays that were tuned.

    Raises
    ------
    InternalError
        The adapter gives weights that differ from the tuned ones by more than 1e-5.
    """
    from safetensors.numpy import save

    if source.adapter:
        again, state = apply_adapter(source.parent, source.adapter, made=source.made).state(), source.state()
        difference = max(float(np.abs(again[name] - state[name]).max()) for name in state)
        if not difference <= _TOLERANCE:
            raise InternalError(f"the adapter of {source.name} is {difference:.2g} off the tuned weights.")
    arrays = {name: np.ascontiguousarray(array) for name, array in (source.adapter or source.tuned).items()}
    packed: bytes = save(arrays, {_RECORD: json.dumps(source.record(), sort_keys=True)})
    return packed


def read_adapter(content: bytes) -> Adapter:
    """Read a bundle's `adapter.safetensors`.

    Raises
    ------
    SourceError
        It is damaged, or is no adapter.
    """
    arrays = from_safetensors(content)
    end = 8 + int.from_bytes(content[:8], "little")  # a safetensors file begins with the length of its header, JSON
    try:
        made = json.loads(json.loads(content[8:end])["__metadata__"][_RECORD])
        parent = made.pop("parent")
        parent = {key: str(parent[key]) for key in ("name", "digest")}
        made |= {key: str(made[key]) for key in ("method", "dataset")}
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise SourceError(
            f"the safetensors file is no adapter of a bundle's ({type(error).__name__}: {error})."
        ) from error
    return Adapter(arrays=arrays, parent=parent, made=made)
