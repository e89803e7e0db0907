"""Turn a fetched file into what is kept: foreign formats of weights become safetensors, everything else stays as it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headstart.sources.card import WEIGHTS
from headstart.sources.gguf_file import tokenizer_from_gguf, weights_from_gguf
from headstart.sources.onnx_weights import weights_from_onnx
from headstart.sources.tfjs_layers import from_tfjs_layers
from headstart.sources.weights import from_torch, to_safetensors

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from headstart.sources.weights import State


def convert(path: str, contents: Mapping[str, bytes], *, name: str = WEIGHTS) -> bytes:
    """Convert a member of an archive by its ending.

    Parameters
    ----------
    path : the member's own path
    contents : the bytes of that file and of the further files that the member consists of, by path, in their order
    name : the file that is made of it

    Raises
    ------
    SourceError
        The file is damaged, or holds anything but weights.
    MissingExtraError
        A library that reads the format is not installed.
    """
    for ending, read in _READERS.items():
        if name == WEIGHTS and path.endswith(ending):
            return to_safetensors(read(path, contents))
    if name != WEIGHTS and path.endswith(".gguf"):  # one file that holds the tokenizer too
        return tokenizer_from_gguf(contents[path])
    return contents[path]


def _from_torch(path: str, contents: Mapping[str, bytes]) -> State:
    return from_torch(contents[path])


def _from_gguf(path: str, contents: Mapping[str, bytes]) -> State:
    return weights_from_gguf(contents[path])


def _from_onnx(path: str, contents: Mapping[str, bytes]) -> State:
    return weights_from_onnx(contents[path])


_READERS: dict[str, Callable[[str, Mapping[str, bytes]], State]] = {
    ".bin": _from_torch,
    ".cpkt": _from_torch,
    ".gguf": _from_gguf,
    ".onnx": _from_onnx,
    ".pt": _from_torch,
    ".pth": _from_torch,
    "/model.json": from_tfjs_layers,
}
