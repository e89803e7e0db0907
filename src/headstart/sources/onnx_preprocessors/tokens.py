"""TextTokenizer as ONNX nodes: operators of onnxruntime-extensions, with truncation, special tokens and padding as in Python."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from headstart.core.errors import OptionError, require
from headstart.sources.onnx_preprocessors import sentence_pieces, word_pieces

if TYPE_CHECKING:
    from headstart.onnx_graph.arithmetic import Value
    from headstart.onnx_graph.builder import GraphBuilder
    from headstart.sources.preprocessors.tokens import TextTokenizer

_TOKENIZERS = (word_pieces, sentence_pieces)


def add_nodes(graph: GraphBuilder, preprocessor: TextTokenizer, items: str, *, are_files: bool) -> dict[str, str]:  # noqa: ARG001
    """Tokenize texts, (batch,).

    Raises
    ------
    OptionError
        No operator is equal to this tokenizer.
    """
    described: dict[str, Any] = json.loads(preprocessor.tokenizer)
    found = [tokenizer for tokenizer in _TOKENIZERS if tokenizer.accepts(described)]
    if not found:
        model = described["model"].get("type", "unknown")
        raise OptionError(
            f"its tokenizer ({model}, {_type_of(described, 'normalizer')}, {_type_of(described, 'pre_tokenizer')}) cannot be written into "
            "a graph; only BERT's WordPiece and Llama's byte-fallback BPE can. Export with --tensor-inputs, and tokenize yourself."
        )
    before, after = _special_tokens(preprocessor)
    ids, lengths = found[0].tokenized(graph, described, items, preprocessor.max_tokens - len(before) - len(after))
    return _framed(ids, lengths, before, after)


def _type_of(described: dict[str, Any], part: str) -> str:
    return f"{part.replace('_', '-')} {(described.get(part) or {}).get('type', 'none')}"


def _special_tokens(preprocessor: TextTokenizer) -> tuple[list[int], list[int]]:
    """Find the special tokens that the tokenizer puts before and after each text."""
    if not preprocessor.special_tokens:
        return [], []
    tokenizers = require("tokenizers", extra="train", purpose="reading texts")
    tokenizer = tokenizers.Tokenizer.from_buffer(preprocessor.tokenizer)
    tokenizer.no_padding()
    row = tokenizer.encode("a")
    content = [place for place, is_special in enumerate(row.special_tokens_mask) if not is_special]
    return row.ids[: content[0]], row.ids[content[-1] + 1 :]


def _framed(ids: Value, lengths: Value, before: list[int], after: list[int]) -> dict[str, str]:
    """Put special tokens around rows of tokens, (batch, length), whose `lengths` are (batch, 1); pad with zeros and mask 0."""
    length = lengths.apply("ReduceMax", keepdims=0).at_least(1)
    ids = ids.apply("Slice", ids.constant([0]), length.shaped(1), ids.constant([1]))
    ids = ids.apply("Pad", ids.constant([0, len(before), 0, len(after)]))
    position = (length + (len(before) + len(after))).count_up().shaped(1, -1)
    for i, token in enumerate(before):
        ids = ids.constant(token).where(position.equals(i), ids)
    for i, token in enumerate(after):
        ids = ids.constant(token).where(position.equals(lengths + (len(before) + i)), ids)
    mask = position < lengths + (len(before) + len(after))
    return {"input_ids": ids.where(mask, 0).name, "attention_mask": mask.cast("int64").name}
