"""TokenInput as a graph: the tokenizers of onnxruntime-extensions, cut, framed and padded as in Python."""

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


def add_nodes(graph: GraphBuilder, prepared: TextTokenizer, items: str, *, are_files: bool) -> dict[str, str]:  # noqa: ARG001
    """Tokenize texts, (batch,).

    Raises
    ------
    OptionError
        No operator tokenizes as this tokenizer does.
    """
    described: dict[str, Any] = json.loads(prepared.tokenizer)
    found = [tokenizer for tokenizer in _TOKENIZERS if tokenizer.accepts(described)]
    if not found:
        model = described["model"].get("type", "unknown")
        raise OptionError(
            f"its tokenizer ({model}, {_said(described, 'normalizer')}, {_said(described, 'pre_tokenizer')}) cannot be written into "
            "a graph: WordPiece as of BERT and byte-fallback BPE as of Llama can. Export with --tensor-inputs, and tokenize yourself."
        )
    before, after = _marks(prepared)
    ids, lengths = found[0].tokenized(graph, described, items, prepared.max_tokens - len(before) - len(after))
    return _framed(ids, lengths, before, after)


def _said(described: dict[str, Any], part: str) -> str:
    return f"{part.replace('_', '-')} {(described.get(part) or {}).get('type', 'none')}"


def _marks(prepared: TextTokenizer) -> tuple[list[int], list[int]]:
    """Find the special tokens that the tokenizer puts before and after each text."""
    if not prepared.special_tokens:
        return [], []
    tokenizers = require("tokenizers", extra="train", purpose="reading texts")
    tokenizer = tokenizers.Tokenizer.from_buffer(prepared.tokenizer)
    tokenizer.no_padding()
    row = tokenizer.encode("a")
    content = [place for place, is_special in enumerate(row.special_tokens_mask) if not is_special]
    return row.ids[: content[0]], row.ids[content[-1] + 1 :]


def _framed(ids: Value, lengths: Value, before: list[int], after: list[int]) -> dict[str, str]:
    """Put marks around rows of tokens, (batch, longest) of which `lengths`, (batch, 1), count; zeros and mask 0 follow."""
    most = lengths.apply("ReduceMax", keepdims=0).at_least(1)
    ids = ids.apply("Slice", ids.constant([0]), most.shaped(1), ids.constant([1]))
    ids = ids.apply("Pad", ids.constant([0, len(before), 0, len(after)]))
    place = (most + (len(before) + len(after))).count_up().shaped(1, -1)
    for i, token in enumerate(before):
        ids = ids.constant(token).where(place.equals(i), ids)
    for i, token in enumerate(after):
        ids = ids.constant(token).where(place.equals(lengths + (len(before) + i)), ids)
    mask = place < lengths + (len(before) + len(after))
    return {"input_ids": ids.where(mask, 0).name, "attention_mask": mask.cast("int64").name}
