"""Read and write network weights; nothing here runs code that a file brings along."""

from __future__ import annotations

import io
import json
import struct
import zipfile
from typing import TYPE_CHECKING, Any

from headstart.core.errors import SourceError, require

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import numpy as np
    from numpy.typing import NDArray

State = dict[str, "NDArray[np.floating[Any]]"]
_DTYPES = {"<f8": "F64", "<f4": "F32", "<f2": "F16"}


def from_torch(content: bytes) -> State:
    """Read the floating-point tensors of a torch checkpoint; the unpickler is torch's restricted one.

    Raises
    ------
    SourceError
        The file is damaged, or holds anything but tensors.
    MissingExtraError
        torch is not installed.
    """
    torch = require("torch", extra="train", purpose="reading a torch checkpoint")
    _refuse_compressed(content)
    try:
        state = torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
        if isinstance(state, tuple | list):  # of a training: what follows are its optimizer and its settings
            state = state[0]
        return {name: tensor.numpy() for name, tensor in state.items() if tensor.is_floating_point()}
    except Exception as error:  # torch raises a dozen kinds, pickle errors among them
        raise SourceError(f"the torch checkpoint cannot be read as plain weights ({type(error).__name__}).") from error


def _refuse_compressed(content: bytes) -> None:
    """Refuse an archive of more than its own size: torch writes its files as they are."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as box:
            n_bytes = sum(entry.file_size for entry in box.infolist())
    except (zipfile.BadZipFile, ValueError, NotImplementedError):
        return  # of torch's older format, or damaged
    if n_bytes > len(content):
        raise SourceError(f"the torch checkpoint says that its {len(content)} bytes hold {n_bytes}. Do not use it.")


def to_safetensors(state: Mapping[str, NDArray[np.floating[Any]]]) -> bytes:
    """Write arrays in the safetensors format; the same arrays always give the same bytes, so that a card can pin them."""
    header, offset = {}, 0
    for key, array in sorted(state.items()):
        shape, end = list(array.shape), offset + array.nbytes
        header[key] = {"dtype": _DTYPES[array.dtype.str], "shape": shape, "data_offsets": [offset, end]}
        offset = end
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return b"".join([struct.pack("<Q", len(text)), text, *(array.tobytes() for _, array in sorted(state.items()))])


def from_safetensors(content: bytes) -> State:
    """Read the floating-point arrays of a safetensors file.

    Raises
    ------
    SourceError
        The file is damaged.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load

    try:
        return {name: array for name, array in load(content).items() if array.dtype.kind == "f"}
    except (SafetensorError, ValueError, KeyError) as error:
        raise SourceError(f"the safetensors file is damaged ({error}).") from error


def n_layers(state: Iterable[str], prefix: str) -> int:
    """Count the layers of a network whose arrays are named `prefix`, number, dot, and so on.

    >>> n_layers(["layers.0.norm.weight", "layers.1.norm.weight", "norm.weight"], "layers.")
    2
    """
    return len({name.removeprefix(prefix).partition(".")[0] for name in state if name.startswith(prefix)})
