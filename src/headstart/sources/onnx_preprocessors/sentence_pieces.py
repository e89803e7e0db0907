"""Llama's tokenizer as ONNX nodes: its merges as a SentencePiece model, for an operator of onnxruntime-extensions."""

from __future__ import annotations

import re
import struct
from typing import TYPE_CHECKING, Any

import numpy as np

from headstart.onnx_graph.arithmetic import Value
from headstart.sources.onnx_preprocessors.ragged import padded

if TYPE_CHECKING:
    from collections.abc import Sequence

    from headstart.onnx_graph.builder import GraphBuilder

_DOMAIN = "ai.onnx.contrib"
_NORMALIZER = [
    {"type": "Prepend", "prepend": "\N{LOWER ONE EIGHTH BLOCK}"},
    {"type": "Replace", "pattern": {"String": " "}, "content": "\N{LOWER ONE EIGHTH BLOCK}"},
]
_BYTE = re.compile(r"<0x[0-9A-F]{2}>")
_NORMAL, _UNKNOWN, _CONTROL, _BYTE_PIECE = 1, 2, 3, 6  # kinds of pieces
_BPE = 2


def accepts(described: dict[str, Any]) -> bool:
    """Whether a `tokenizer.json` merges like SentencePiece: pieces earlier in the list are merged first."""
    normalizer, model = described.get("normalizer") or {}, described["model"]
    return (
        model.get("type") == "BPE"
        and bool(model.get("byte_fallback"))
        and normalizer.get("normalizers") == _NORMALIZER
        and described.get("pre_tokenizer") is None
        and sorted(model["vocab"].values()) == list(range(len(model["vocab"])))
        and all(token["special"] for token in described.get("added_tokens", ()))
        and _ranks(model["merges"]) is not None
    )


def tokenized(graph: GraphBuilder, described: dict[str, Any], texts: str, max_length: int) -> tuple[Value, Value]:
    """Ids of the first `max_length` pieces of each text, (batch, length), and their number, (batch, 1)."""
    settings = [graph.constant(np.array([value])) for value in (0, np.float32(0), False, False, False, False)]
    flat, starts, _ = graph.op_of_many(
        "SentencepieceTokenizer", texts, *settings, n_outputs=3, domain=_DOMAIN, model=_sentence_piece_model(described)
    )  # the pieces of all texts, concatenated, with the start of each text and the end
    return padded(Value(graph, flat, "int32").cast("int64"), Value(graph, starts, "int64"), max_length)


def _ranks(merges: Sequence[str | Sequence[str]]) -> dict[str, int] | None:
    """Rank of each piece in the order of merges; None if the merges into one piece are not consecutive."""
    ranks: dict[str, int] = {}
    before = ""
    for rank, merge in enumerate(merges):
        piece = "".join(merge.split(" ") if isinstance(merge, str) else merge)
        if piece != before and piece in ranks:
            return None
        ranks.setdefault(piece, rank)
        before = piece
    return ranks


def _sentence_piece_model(described: dict[str, Any]) -> bytes:
    """Serialize the model in SentencePiece's format, a protocol buffer."""
    model = described["model"]
    ranks = _ranks(model["merges"]) or {}
    special = {token["content"] for token in described.get("added_tokens", ())}
    pieces = sorted(model["vocab"], key=model["vocab"].get)
    never = float(len(model["merges"]))
    written = b"".join(
        _message(
            1,
            _message(1, piece.encode())
            + _tag(2, 5)
            + struct.pack("<f", -float(ranks.get(piece, never)))
            + _integer(3, _kind(piece, model["unk_token"], special)),
        )
        for piece in pieces
    )
    trainer = (
        _integer(3, _BPE)
        + _integer(4, len(pieces))
        + _integer(35, 1)
        + _integer(40, model["vocab"][model["unk_token"]])
    )
    normalizer = _message(1, b"identity") + _integer(3, 1) + _integer(4, 0) + _integer(5, 1)
    return written + _message(2, trainer) + _message(3, normalizer)


def _kind(piece: str, unknown: str, special: set[str]) -> int:
    if piece == unknown:
        return _UNKNOWN
    if piece in special:
        return _CONTROL
    return _BYTE_PIECE if _BYTE.fullmatch(piece) else _NORMAL


def _message(field: int, content: bytes) -> bytes:
    return _tag(field, 2) + _varint(len(content)) + content


def _integer(field: int, number: int) -> bytes:
    return _tag(field, 0) + _varint(number)


def _tag(field: int, wire_type: int) -> bytes:
    return _varint(field << 3 | wire_type)


def _varint(number: int) -> bytes:
    """Encode seven bits per byte, lowest first.

    >>> _varint(300).hex()
    'ac02'
    """
    low, rest = number & 0x7F, number >> 7
    return bytes([low | 0x80]) + _varint(rest) if rest else bytes([low])
