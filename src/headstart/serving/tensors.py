"""Tensors of the Open Inference Protocol V2: as JSON, and as raw bytes behind the JSON (the binary extension).

Reference: https://github.com/kserve/open-inference-protocol, https://github.com/triton-inference-server/server (binary data).
"""

from __future__ import annotations

import math
import struct
from typing import TYPE_CHECKING, Any

import numpy as np

from headstart.serving.asgi import RequestError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    Array = np.ndarray[Any, np.dtype[Any]]

BYTES = "BYTES"
_TYPES = {
    "BOOL": np.dtype("bool"),
    **{f"UINT{bits}": np.dtype(f"<u{bits // 8}") for bits in (8, 16, 32, 64)},
    **{f"INT{bits}": np.dtype(f"<i{bits // 8}") for bits in (8, 16, 32, 64)},
    **{f"FP{bits}": np.dtype(f"<f{bits // 8}") for bits in (16, 32, 64)},
}
_NAMES = {dtype: name for name, dtype in _TYPES.items()}
_MAX_AXES = 8
_LENGTH = struct.Struct("<I")


def type_name(dtype: np.dtype[Any]) -> str:
    """Say what the protocol calls a type.

    >>> type_name(np.dtype("float32"))
    'FP32'
    """
    return _NAMES[dtype]


def n_binary(described: Mapping[str, Any]) -> int | None:
    """How many raw bytes a tensor has; None if its values are in the JSON.

    Raises
    ------
    RequestError
        400: the size is not a whole number.
    """
    size = parameters_of(described).get("binary_data_size")
    if size is not None and (type(size) is not int or not 0 <= size < 1 << 40):
        raise RequestError(400, f"'binary_data_size' must be a whole number of bytes, not {_shown(size)}.")
    return size


def read_tensor(
    described: Mapping[str, Any], raw: bytes | None, *, max_strings: int, can_lack: bool = False
) -> Array | list[Any]:
    """Read one input: an array, or for BYTES the list of its strings.

    Parameters
    ----------
    raw : its bytes behind the JSON; None where `data` has the values
    max_strings : how many items it may have
    can_lack : whether NaN, and null in JSON, stand for a number that is missing

    Raises
    ------
    RequestError
        400: a field is missing, or the values are not of the shape or type that is said; 413: more items than `max_strings`.
    """
    shape, datatype = described.get("shape"), described.get("datatype")
    name = _shown(described.get("name"))
    if not isinstance(shape, list) or len(shape) > _MAX_AXES or not all(map(_is_length, shape)):
        raise RequestError(400, f"input {name}: 'shape' must be a list of lengths, such as [1].")
    if datatype == BYTES:
        if math.prod(shape) > max_strings:
            raise RequestError(413, f"{math.prod(shape)} items came; at most {max_strings} may. Send them in parts.")
        values = _flat(described.get("data")) if raw is None else _strings(raw, name, max_strings)
    elif isinstance(datatype, str) and datatype in _TYPES:
        return _numbers(described, raw, _TYPES[datatype], shape, can_lack=can_lack)
    else:
        raise RequestError(400, f"input {name}: no datatype {_shown(datatype)}. Known: {BYTES}, {', '.join(_TYPES)}.")
    if len(values) != math.prod(shape):
        raise RequestError(400, f"input {name}: {len(values)} values came, but its shape is {shape}.")
    return values


def write_tensor(name: str, values: Array | Sequence[str], *, binary: bool) -> tuple[dict[str, Any], bytes]:
    """Describe one output, and give its bytes if it is to go behind the JSON."""
    is_array = isinstance(values, np.ndarray)
    described: dict[str, Any] = {
        "name": name,
        "shape": list(values.shape) if isinstance(values, np.ndarray) else [len(values)],
        "datatype": type_name(values.dtype) if isinstance(values, np.ndarray) else BYTES,
    }
    if not binary:
        return {**described, "data": values.ravel().tolist() if isinstance(values, np.ndarray) else list(values)}, b""
    encoded = [value.encode() for value in values] if not is_array else []
    raw = values.tobytes() if isinstance(values, np.ndarray) else b"".join(_LENGTH.pack(len(v)) + v for v in encoded)
    return {**described, "parameters": {"binary_data_size": len(raw)}}, raw


def _numbers(
    described: Mapping[str, Any], raw: bytes | None, dtype: np.dtype[Any], shape: list[int], *, can_lack: bool
) -> Array:
    name = _shown(described.get("name"))
    try:
        if raw is None:
            values = np.asarray(_flat(described.get("data")), dtype=dtype)
        else:
            values = np.frombuffer(raw, dtype=dtype)
        array = values.reshape(shape)
    except (ValueError, TypeError, OverflowError) as error:
        raise RequestError(
            400, f"input {name}: its values are not {_NAMES[dtype]} of shape {shape} ({str(error)[:100]})."
        ) from error
    if dtype.kind == "f" and (np.isinf(array) if can_lack else ~np.isfinite(array)).any():
        raise RequestError(400, f"input {name} has values that are not finite numbers.")
    return array


def _flat(data: Any) -> list[Any]:
    """Values of a list, nested or not, row by row."""
    if not isinstance(data, list):
        raise RequestError(400, "an input has neither 'data', a list of values, nor raw bytes.")
    while data and isinstance(data[0], list):
        if not all(isinstance(row, list) for row in data):
            raise RequestError(400, "'data' mixes lists and values. Nest it as its shape says, or not at all.")
        data = [value for row in data for value in row]
    return data


def _strings(raw: bytes, name: str, max_strings: int) -> list[bytes]:
    """Cut bytes into strings, each behind its length: four bytes, the least first; one too many is enough to see that."""
    values: list[bytes] = []
    position = 0
    while position < len(raw) and len(values) <= max_strings:
        end = position + _LENGTH.size
        length = _LENGTH.unpack(raw[position:end])[0] if end <= len(raw) else len(raw)
        if end + length > len(raw):
            raise RequestError(400, f"input {name}: its raw bytes end within a string.")
        values.append(raw[end : end + length])
        position = end + length
    return values


def _is_length(value: Any) -> bool:
    return type(value) is int and 0 <= value < 1 << 31


def _shown(value: Any) -> str:
    """A value in a message; a number of thousands of digits cannot be written at all."""
    return f"{value!r:.60}" if isinstance(value, str | None) else f"of type {type(value).__name__}"


def parameters_of(described: Mapping[str, Any]) -> Mapping[str, Any]:
    """Parameters of a request or a tensor.

    Raises
    ------
    RequestError
        400: they are not an object.
    """
    parameters = described.get("parameters") or {}
    if not isinstance(parameters, dict):
        raise RequestError(400, "'parameters' must be an object.")
    return parameters
