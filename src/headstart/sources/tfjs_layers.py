"""Read the weights of a model in the layers format of TensorFlow.js: a manifest in JSON, and shards of plain numbers."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

import numpy as np

from headstart.core.errors import SourceError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from headstart.sources.weights import State

_TORCH_NAMES = {
    "kernel": "weight",
    "gamma": "weight",
    "beta": "bias",
    "moving_mean": "running_mean",
    "moving_variance": "running_var",
}


def from_tfjs_layers(path: str, contents: Mapping[str, bytes]) -> State:
    """Read the arrays, named and laid out as torch has them.

    `conv1/kernel` of shape (height, width, in, out) becomes `conv1.weight` of shape (out, in, height, width), the kernel of a
    dense layer (out, in), and `bn/gamma` becomes `bn.weight`.

    Parameters
    ----------
    path : of the manifest, `…/model.json`
    contents : the manifest and the shards by path, which lie beside it

    Raises
    ------
    SourceError
        The manifest is not one, a shard is missing or short, or the numbers are not plain float32.
    """
    folder = path.rpartition("/")[0]
    try:
        groups = json.loads(contents[path])["weightsManifest"]
        state: State = {}
        for group in groups:
            shards = b"".join(contents[f"{folder}/{shard}" if folder else shard] for shard in group["paths"])
            state |= _arrays(group["weights"], shards)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise SourceError(f"the TensorFlow.js model cannot be read ({type(error).__name__}: {error}).") from error
    return state


def _arrays(weights: list[dict[str, Any]], shards: bytes) -> State:
    state, offset = {}, 0
    for weight in weights:
        name, shape = weight["name"], weight["shape"]
        if weight["dtype"] != "float32" or "quantization" in weight:
            raise SourceError(f"'{name}' is not plain float32. Take a model that was converted without quantisation.")
        array = np.frombuffer(shards, np.dtype("<f4"), math.prod(shape), offset).reshape(shape)
        offset += array.nbytes
        state[_torch_name(name)] = _torch_layout(array)
    if offset != len(shards):
        raise SourceError(f"the shards hold {len(shards)} bytes, but the manifest describes {offset}.")
    return state


def _torch_name(name: str) -> str:
    layer, _, role = name.rpartition("/")
    return f"{layer.replace('/', '.')}.{_TORCH_NAMES.get(role, role)}"


def _torch_layout(array: Any) -> Any:
    if array.ndim == 4:
        return np.ascontiguousarray(array.transpose(3, 2, 0, 1))
    return np.ascontiguousarray(array.T) if array.ndim == 2 else array
