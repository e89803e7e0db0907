"""Scan an ONNX file without the onnx library for external data and custom operators."""

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
_OPERATOR, _DOMAIN = 4, 7  # of NodeProto
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_MAX_TAG = (1 << 32) - 1
_MAX_DEPTH = 100  # of messages, as in the readers of protocol buffers
_MAX_NAME = 200  # characters of an operator's name or domain; all known ones are less than half as long

_RUNTIME_DOMAINS = ("", "ai.onnx", "ai.onnx.ml", "com.microsoft")
# operators of the runtime's own domain that run a library, a program or a compiled file
_CODE_OPERATORS = ("ATen", "EPContext", "ExternalFunctionOp", "PythonOp", "PythonOpGrad", "Snpe")


def has_external_data(model: bytes) -> bool:
    """Whether any tensor of the model is in another file.

    Raises
    ------
    ValueError
        The bytes are not an ONNX model.
    """
    tensors = (message for kind, message in _messages(memoryview(model), "model") if kind == "tensor")
    return any(field in _EXTERNAL_FIELDS and value != 0 for tensor in tensors for field, value in _fields(tensor))


def custom_operators(model: bytes) -> list[str]:
    """List operators, as `domain.name`, that are not ONNX's or ONNX Runtime's own, or that run other code.

    Raises
    ------
    ValueError
        The bytes are not an ONNX model.
    """
    nodes = (message for kind, message in _messages(memoryview(model), "model") if kind == "node")
    return sorted({name for node in nodes for name in _custom_names(node)})


def _custom_names(node: memoryview) -> Iterator[str]:
    """Names of a node if it is custom; parsers differ on duplicate fields, so each occurrence counts."""
    words: dict[int, list[str]] = {_OPERATOR: [], _DOMAIN: []}
    for field, value in _fields(node):
        if field in words and isinstance(value, memoryview):
            words[field].append(bytes(value[:_MAX_NAME]).decode("utf-8", "replace"))
    operators = words[_OPERATOR] or [""]
    for domain in words[_DOMAIN]:
        yield from (f"{domain}.{operator}" for operator in operators if domain not in _RUNTIME_DOMAINS)
    yield from (operator for operator in operators if operator in _CODE_OPERATORS)


def _messages(message: memoryview, kind: str, depth: int = 0) -> Iterator[tuple[str, memoryview]]:
    """Iterate over all messages that can contain a tensor or a node, outer before inner."""
    if depth > _MAX_DEPTH:
        raise ValueError("nested too deeply")
    yield kind, message
    children = _CHILDREN.get(kind)
    if children is None:
        return
    for field, value in _fields(message):
        if field in children and isinstance(value, memoryview):
            yield from _messages(value, children[field], depth + 1)


def _fields(message: memoryview) -> Iterator[tuple[int, int | memoryview]]:
    """Iterate over the fields of a protocol-buffer message: numbers and values, with strings and messages unparsed."""
    position = 0
    while position < len(message):
        tag, position = _varint(message, position)
        if tag > _MAX_TAG:  # a C++ parser would truncate it to 32 bits and read another field
            raise ValueError(f"tag {tag}")
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
    value = 0
    for shift in range(0, 70, 7):
        if position >= len(message):
            raise ValueError("cut short")
        byte = message[position]
        value |= (byte & 0x7F) << shift
        position += 1
        if byte < 0x80:
            return value, position
    raise ValueError("a number of more than 64 bits")
