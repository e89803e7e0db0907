"""BERT's tokenizer as ONNX nodes: normalize characters with a table, split into words, look up their pieces.

The table comes from the tokenizer itself, character by character, so that every script is normalized as in Python. The single
operator of onnxruntime-extensions for BERT's tokenizer lowercases only ASCII and some Latin letters, and keeps the known prefix of an
unknown word.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np

from headstart.core.errors import require
from headstart.onnx_graph.arithmetic import Value, joined, sizes
from headstart.sources.onnx_preprocessors.ragged import padded

if TYPE_CHECKING:
    from headstart.onnx_graph.builder import GraphBuilder

_EXTENSIONS, _OWN = "ai.onnx.contrib", "com.microsoft"
_LAST_LETTER = 0x323B0  # after the last CJK extension there are only tags and private use
_CONTROL = r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\x{fffd}]"
_GONE = "\N{REPLACEMENT CHARACTER}"  # marks removed characters; BERT removes this character from any text
_SIGN = r"[!-/:-@\[-`{-~\pP]"


def accepts(described: dict[str, Any]) -> bool:
    """Whether a `tokenizer.json` has BERT's normalizer, word splitting and word pieces."""
    normalizer, model = described.get("normalizer") or {}, described["model"]
    return (
        model.get("type") == "WordPiece"
        and model.get("continuing_subword_prefix") == "##"
        and normalizer.get("type") == "BertNormalizer"
        and bool(normalizer.get("clean_text"))
        and (described.get("pre_tokenizer") or {}).get("type") == "BertPreTokenizer"
        and all(token["special"] for token in described.get("added_tokens", ()))
    )


def tokenized(graph: GraphBuilder, described: dict[str, Any], texts: str, max_length: int) -> tuple[Value, Value]:
    """Ids of the first `max_length` word pieces of each text, (batch, length), and their number, (batch, 1)."""
    words = _split(graph, _normalised(graph, described, texts), tokenexp="[^ ]+")
    pieces, starts = _pieces(graph, described, words)
    number_of_unknown = described["model"]["vocab"][described["model"]["unk_token"]]
    shape = sizes(graph, words)
    n_words = shape[0] * shape[1]
    before, after = (starts.apply("Slice", *(starts.constant([i]) for i in part)) for part in ((0, -1), (1, 1 << 62)))
    ones = n_words.constant(1).apply("Expand", n_words.shaped(1))
    n_pieces = sizes(graph, pieces.name)
    # 1 where a word begins; padding and the last words begin after the last piece
    begins = _summed(before, ones, n_pieces[0] + 1).apply("Slice", n_pieces.constant([0]), n_pieces)
    word = begins.apply("CumSum", starts.constant(0)) - 1
    is_unknown = pieces.equals(number_of_unknown)
    is_bad = _summed(word, is_unknown.cast("int64"), n_words) > 0  # a word with an unknown piece is unknown
    is_bad_piece = is_bad.apply("Gather", word, axis=0)
    kept = is_bad_piece.cast("int64") - begins.at_most(1) < 1  # only the first piece of an unknown word
    flat = pieces.constant(number_of_unknown).where(is_bad_piece, pieces).apply("Compress", kept, axis=0)
    lengths = (
        ones.where(is_bad, after - before).apply("Reshape", shape).apply("ReduceSum", shape.constant([1]), keepdims=0)
    )
    return padded(flat, joined(lengths.constant([0]), lengths.apply("CumSum", lengths.constant(0))), max_length)


def _normalised(graph: GraphBuilder, described: dict[str, Any], texts: str) -> str:
    """Normalize texts like the tokenizer's normalizer."""
    table, spaced = _table(described)
    for pattern, instead in ((_CONTROL, ""), (r"[\t\n\r]", " ")):
        texts = _replaced(graph, texts, pattern, instead)
    letters = _split(graph, texts, separators=[""])
    letters = graph.op(
        "StringMapping", letters, domain=_EXTENSIONS, map="\n".join(f"{a}\t{b}" for a, b in table.items())
    )
    nothing, along = graph.constant(np.array([""], dtype=object)), graph.constant(np.array([1]))
    texts = graph.op("StringJoin", letters, nothing, along, domain=_EXTENSIONS)
    for pattern, instead in ((_GONE, ""), (spaced, r" \0 "), (_SIGN, r" \0 ")):
        texts = _replaced(graph, texts, pattern, instead) if pattern else texts
    return texts


def _table(described: dict[str, Any]) -> tuple[dict[str, str], str]:
    """Run the normalizer on each character: a table of those that change, and a pattern of those it surrounds by spaces."""
    tokenizers = require("tokenizers", extra="train", purpose="reading texts")
    normalizer = tokenizers.Tokenizer.from_str(json.dumps(described)).normalizer
    table, spaced = {}, []
    for code in (*range(0x20, 0x7F), *range(0xA0, 0xD800), *range(0xE000, _LAST_LETTER)):
        letter = chr(code)
        found = normalizer.normalize_str(letter)
        if found == f" {letter} ":
            spaced.append(code)
        elif found != letter:
            table[letter] = found or _GONE
    return table, _ranges(spaced)


def _ranges(codes: list[int]) -> str:
    r"""A regular expression for characters.

    >>> _ranges([0x4E00, 0x4E01, 0x4E02, 0xF900])
    '[\\x{4e00}-\\x{4e02}\\x{f900}-\\x{f900}]'
    """
    firsts = [code for code, before in zip(codes, [-1, *codes], strict=False) if code != before + 1]
    lasts = [code for code, after in zip(codes, [*codes[1:], -1], strict=False) if code != after - 1]
    ranges = [rf"\x{{{first:x}}}-\x{{{last:x}}}" for first, last in zip(firsts, lasts, strict=True)]
    return f"[{''.join(ranges)}]" if ranges else ""


def _pieces(graph: GraphBuilder, described: dict[str, Any], words: str) -> tuple[Value, Value]:
    """Ids of the pieces of all words, concatenated, with the start of each word and the end."""
    model = described["model"]
    flat = graph.op("Reshape", words, graph.constant(np.array([-1])))
    found, starts, *_ = graph.op_of_many(
        "WordpieceTokenizer",
        flat,
        graph.constant(np.empty(0, np.int64)),
        n_outputs=4,
        domain=_EXTENSIONS,
        vocab=json.dumps(model["vocab"]),
        suffix_indicator=model["continuing_subword_prefix"],
        unknown_token=model["unk_token"],
        max_input_chars_per_word=model["max_input_chars_per_word"],
    )
    numbers = graph.op(
        "LabelEncoder",
        found,
        domain="ai.onnx.ml",
        keys_strings=[*model["vocab"]],
        values_int64s=[*model["vocab"].values()],
        default_int64=model["vocab"][model["unk_token"]],
    )
    return Value(graph, numbers, "int64"), Value(graph, starts, "int64")


def _summed(places: Value, numbers: Value, length: Value) -> Value:
    """Sum the numbers of each index from 0 up to `length`."""
    zeros = length.constant(0).apply("Expand", length.shaped(1))
    return zeros.apply("ScatterElements", places, numbers, axis=0, reduction="add")


def _replaced(graph: GraphBuilder, texts: str, pattern: str, instead: str) -> str:
    strings = [graph.constant(np.array([string], dtype=object)) for string in (pattern, instead)]
    return graph.op("StringRegexReplace", texts, *strings, domain=_EXTENSIONS)


def _split(graph: GraphBuilder, texts: str, **how: Any) -> str:
    """Split texts, (batch, n_parts + 1), padded with empty strings."""
    parts = graph.op("Tokenizer", texts, domain=_OWN, mark=0, pad_value="", mincharnum=1, **how)
    n = sizes(graph, texts)
    behind = graph.op("Expand", graph.constant(np.array([[""]], dtype=object)), joined(n, n.constant([1])).name)
    return graph.op("Concat", parts, behind, axis=1)
