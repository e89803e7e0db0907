"""Scan an ONNX file without the onnx library: for other files that it wants, for its operators, and for its size."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from headstart.onnx_graph.operators import OPERATORS, is_listed

if TYPE_CHECKING:
    from collections.abc import Iterator

# onnx.proto: for each message the fields that can lead to a tensor or a node, and the message each holds
_GRAPH = {1: "node", 5: "tensor", 15: "sparse"}
_CHILDREN: dict[str, dict[int, str]] = {
    "model": {7: "graph", 20: "training", 25: "function"},
    "training": {1: "subgraph", 2: "subgraph"},
    "function": {7: "node", 11: "attribute"},
    "graph": _GRAPH,
    "subgraph": _GRAPH,
    "node": {5: "attribute"},
    "attribute": {5: "tensor", 6: "subgraph", 10: "tensor", 11: "subgraph", 22: "sparse", 23: "sparse"},
    "sparse": {1: "tensor", 2: "tensor"},
}
_EXTERNAL_FIELDS = (13, 14)  # TensorProto.external_data, and data_location = EXTERNAL
_OPERATOR, _DOMAIN = 4, 7  # of NodeProto
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_MAX_TAG = (1 << 32) - 1
_MAX_DEPTH = 100  # of messages, as in the readers of protocol buffers
_MAX_NAME = 200  # characters of an operator's name or domain; all known ones are less than half as long
_MAX_FIELDS = 4_000_000  # a network of thousands of layers has a tenth of that

# operators of the runtime's own domain that run a library, a program or a compiled file
_CODE_OPERATORS = ("ATen", "EPContext", "ExternalFunctionOp", "PythonOp", "PythonOpGrad", "Snpe")


@dataclass(frozen=True, kw_only=True)
class GraphScan:
    """What is in a model, wherever in it.

    Attributes
    ----------
    has_external_data : whether any tensor is in another file
    custom : operators, as `domain.name`, that are not ONNX's or ONNX Runtime's own, or that run other code
    unlisted : the other operators that are not among `operators.OPERATORS`
    has_subgraphs : whether a node runs a graph of its own, or there is one for training
    has_functions : whether it defines operators itself
    n_nodes : of all graphs and functions
    """

    has_external_data: bool
    custom: tuple[str, ...]
    unlisted: tuple[str, ...]
    has_subgraphs: bool
    has_functions: bool
    n_nodes: int


def scan(model: bytes) -> GraphScan:
    """Look through a model.

    Raises
    ------
    ValueError
        The bytes are not an ONNX model, or one of more parts than any network has.
    """
    reader, kinds, is_external = FieldReader(), set(), False
    n_nodes, custom, unlisted = 0, set(), set()
    for kind, message in reader.messages(memoryview(model), "model"):
        kinds.add(kind)
        if kind == "tensor":
            is_external |= any(field in _EXTERNAL_FIELDS and value != 0 for field, value in reader.fields(message))
        elif kind == "node":
            n_nodes += 1
            for domain, operator in _names(reader, message):
                if domain not in OPERATORS:
                    custom.add(f"{domain}.{operator}")
                elif operator in _CODE_OPERATORS:
                    custom.add(operator)
                elif not is_listed(domain, operator):
                    unlisted.add(operator)
    return GraphScan(
        has_external_data=is_external,
        custom=tuple(sorted(custom)),
        unlisted=tuple(sorted(unlisted)),
        has_subgraphs="subgraph" in kinds,
        has_functions="function" in kinds,
        n_nodes=n_nodes,
    )


def _names(reader: FieldReader, node: memoryview) -> Iterator[tuple[str, str]]:
    """Domains and operators of a node; parsers differ on duplicate fields, so each occurrence counts."""
    words: dict[int, list[str]] = {_OPERATOR: [], _DOMAIN: []}
    for field, value in reader.fields(node):
        if field in words and isinstance(value, memoryview):
            words[field].append(bytes(value[:_MAX_NAME]).decode("utf-8", "replace"))
    for domain in words[_DOMAIN] or [""]:
        yield from ((domain, operator) for operator in words[_OPERATOR] or [""])


class FieldReader:
    """Reads messages of protocol buffers, of which it takes no more parts than a network can have."""

    def __init__(self) -> None:
        self._left = _MAX_FIELDS

    def messages(self, message: memoryview, kind: str, depth: int = 0) -> Iterator[tuple[str, memoryview]]:
        """Iterate over all messages that can contain a tensor or a node, outer before inner."""
        if depth > _MAX_DEPTH:
            raise ValueError("nested too deeply")
        yield kind, message
        children = _CHILDREN.get(kind)
        if children is None:
            return
        for field, value in self.fields(message):
            if field in children and isinstance(value, memoryview):
                yield from self.messages(value, children[field], depth + 1)

    def fields(self, message: memoryview) -> Iterator[tuple[int, int | memoryview]]:
        """Iterate over the fields of a message: numbers and values, with strings and messages unparsed."""
        position = 0
        while position < len(message):
            self._left -= 1
            if self._left < 0:
                raise ValueError("too many parts")
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
