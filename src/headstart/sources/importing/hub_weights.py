"""Read the weights of a hub-layout folder: safetensors, in one file or in shards, or a torch checkpoint with only tensors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from headstart.core.errors import SourceError
from headstart.sources.weights import from_safetensors, from_torch, to_safetensors
from headstart.storage.untrusted_folder import check_beginning

if TYPE_CHECKING:
    from headstart.sources.weights import State
    from headstart.storage.untrusted_folder import UntrustedFolder

ONNX_FILES = ("onnx/model.onnx", "model.onnx")
SAFETENSORS, INDEX = "model.safetensors", "model.safetensors.index.json"
_TORCH = "pytorch_model.bin"


@dataclass(frozen=True, kw_only=True)
class HubWeights:
    """Weights of a folder, as found and as passed on to the library that builds the model: safetensors only.

    Attributes
    ----------
    contents : bytes of the files as found
    safe : bytes of the files as passed on
    """

    contents: dict[str, bytes]
    safe: dict[str, bytes]

    def state(self) -> State:
        """All floating-point arrays of all files.

        Raises
        ------
        SourceError
            A file is damaged, or its number type does not exist in NumPy.
        """
        return {
            key: array
            for name, content in self.safe.items()
            if name != INDEX
            for key, array in from_safetensors(content).items()
        }


def read_weights(folder: UntrustedFolder) -> HubWeights | None:
    """Read the weights, safetensors first; None if there are none.

    Raises
    ------
    SourceError
        A file is missing, damaged, or not what its name says; a torch checkpoint holds anything but tensors.
    """
    if folder.has(SAFETENSORS):
        contents = {SAFETENSORS: _safetensors(folder, SAFETENSORS)}
        return HubWeights(contents=contents, safe=contents)
    if folder.has(INDEX):
        placed = folder.json(INDEX).get("weight_map")
        if not isinstance(placed, dict) or not placed:
            raise SourceError(f"{folder.path / INDEX} has no 'weight_map'. Copy it again.")
        shards = sorted({str(name) for name in placed.values()})
        contents = {name: _safetensors(folder, name) for name in shards}
        contents[INDEX] = folder.read(INDEX)
        return HubWeights(contents=contents, safe=contents)
    if folder.has(_TORCH):
        content = folder.read(_TORCH)
        return HubWeights(contents={_TORCH: content}, safe={SAFETENSORS: to_safetensors(_from_torch(folder, content))})
    return None


def _from_torch(folder: UntrustedFolder, content: bytes) -> State:
    try:
        return from_torch(content)
    except SourceError as error:
        raise SourceError(f"{folder.path / _TORCH}: {error} Save the model as safetensors.") from error


def _safetensors(folder: UntrustedFolder, name: str) -> bytes:
    """Read a shard and check its header, which shows whether it is complete."""
    if not folder.has(name):
        raise SourceError(f"{folder.path / name} is missing, though {INDEX} names it. Copy the whole folder.")
    content = folder.read(name)
    check_beginning(str(folder.path / name), content, expected="a safetensors file")
    from safetensors import SafetensorError, deserialize

    try:
        deserialize(content)  # type: ignore[no-untyped-call]
    except SafetensorError as error:
        raise SourceError(f"{folder.path / name} is damaged or truncated ({error}). Copy it again.") from error
    return content
