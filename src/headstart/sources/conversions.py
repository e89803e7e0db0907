"""Turn a fetched file into what is kept: foreign formats of weights become safetensors, everything else stays as it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headstart.sources.tfjs_layers import from_tfjs_layers
from headstart.sources.weights import from_torch, to_safetensors

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from headstart.sources.weights import State


def convert(path: str, contents: Mapping[str, bytes]) -> bytes:
    """Convert a member of an archive by its ending.

    Parameters
    ----------
    path : the member's own path
    contents : the bytes of that file and of the further files that the member consists of, by path, in their order

    Raises
    ------
    SourceError
        The file is damaged, or holds anything but weights.
    MissingExtraError
        A library that reads the format is not installed.
    """
    for ending, read in _READERS.items():
        if path.endswith(ending):
            return to_safetensors(read(path, contents))
    return contents[path]


def _from_torch(path: str, contents: Mapping[str, bytes]) -> State:
    return from_torch(contents[path])


_READERS: dict[str, Callable[[str, Mapping[str, bytes]], State]] = {
    ".bin": _from_torch,
    ".pt": _from_torch,
    ".pth": _from_torch,
    "/model.json": from_tfjs_layers,
}
