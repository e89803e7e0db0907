"""Find external data in an ONNX file without the onnx library: a graph must not make a reader open other files."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

# onnx.proto: for each message the fields that can lead to a tensor, and the message each holds
_CHILDREN: dict[str, dict[int, str]] = {
    "model": {7: "graph", 20: "training", 25: "function"},
    "training": {1: "graph", 2: "graph"},
    "function": {7: "node", 11: "attribute"},
    "graph": {1: "node", 5: "tensor", 15: "sparse"},
    "node": {5: "attribute"},
    "attribute": {5: "tensor", 6: "graph", 10: "tensor", 11: "graph", 22: "sparse", 23: "sparse"},
    "sparse": {1: "tensor", 2: "tensor"},
}
_EXTERNAL_FIELDS = (13, 14)  # TensorProto.external_data, and data_location = EXTERNAL
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5


def has_external_data(model: bytes) -> bool:
    """Tell whether any tensor of the model lies in another file.

    Raises
    ------
    ValueError
        The bytes are not an ONNX model.
    """
    try:
        return _is_external(memoryview(model), "model")
    except (IndexError, RecursionError) as error:
        raise ValueError("cut short") from error


def _is_external(message: memoryview, kind: str) -> bool:
    children = _CHILDREN.get(kind, {})
    for field, value in _fields(message):
        if kind == "tensor" and field in _EXTERNAL_FIELDS and value != 0:
            return True
        child = children.get(field)
        if child is not None and isinstance(value, memoryview) and _is_external(value, child):
            return True
    return False


def _fields(message: memoryview) -> Iterator[tuple[int, int | memoryview]]:
    """Walk the fields of one protocol-buffer message: their numbers and values, strings and messages unread."""
    position = 0
    while position < len(message):
        tag, position = _varint(message, position)
        wire = tag & 7
        if wire == _VARINT:
            value, position = _varint(message, position)
            yield tag >> 3, value
            continue
        if wire == _BYTES:
            size, position = _varint(message, position)
        elif wire in (_FIXED64, _FIXED32):
            size = 8 if wire == _FIXED64 else 4
        else:
            raise ValueError(f"wire type {wire}")
        if position + size > len(message):
            raise ValueError("cut short")
        yield tag >> 3, message[position : position + size]
        position += size


def _varint(message: memoryview, position: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = message[position]
        value |= (byte & 0x7F) << shift
        position, shift = position + 1, shift + 7
        if byte < 0x80:
            return value, position
