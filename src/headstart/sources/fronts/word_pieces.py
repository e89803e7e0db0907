"""BERT's tokenizer as a graph: the operator of onnxruntime-extensions, text by text."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from headstart.sources.fronts.arithmetic import Value, joined, sizes

if TYPE_CHECKING:
    from headstart.sources.graph import GraphBuilder

_DOMAIN = "ai.onnx.contrib"
# what the operator leaves in a text and BERT takes out: characters that are for machines, and blanks of all kinds
_UNSEEN = r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\x{fffd}\p{Cf}\p{Co}]"
_BLANKS = r"[\t\n\r\x{a0}\x{1680}\x{2000}-\x{200a}\x{2028}\x{2029}\x{202f}\x{205f}\x{3000}]"


def accepts(described: dict[str, Any]) -> bool:
    """Whether a `tokenizer.json` is BERT's own: its normaliser, its words, its word pieces, numbered without a gap."""
    normalizer, model = described.get("normalizer") or {}, described["model"]
    return (
        model.get("type") == "WordPiece"
        and model.get("continuing_subword_prefix") == "##"
        and sorted(model["vocab"].values()) == list(range(len(model["vocab"])))
        and normalizer.get("type") == "BertNormalizer"
        and bool(normalizer.get("clean_text"))
        and bool(normalizer.get("handle_chinese_chars"))
        and (described.get("pre_tokenizer") or {}).get("type") == "BertPreTokenizer"
        and all(token["special"] for token in described.get("added_tokens", ()))
    )


def tokenized(graph: GraphBuilder, described: dict[str, Any], texts: str, longest: int) -> tuple[Value, Value]:
    """Number the word pieces of each text, the first `longest`: (batch, longest), zeros after them, and (batch, 1) how many."""
    for pattern, instead in ((_UNSEEN, ""), (_BLANKS, " ")):
        strings = [graph.constant(np.array([string])) for string in (pattern, instead)]
        texts = graph.op("StringRegexReplace", texts, *strings, domain=_DOMAIN)
    normalizer, vocabulary = described["normalizer"], described["model"]["vocab"]
    is_lower = bool(normalizer["lowercase"])
    strips = normalizer.get("strip_accents")
    settings = {
        "vocab_file": "\n".join(sorted(vocabulary, key=vocabulary.get)),
        "do_lower_case": int(is_lower),
        "strip_accents": int(is_lower if strips is None else strips),
        "unk_token": described["model"]["unk_token"],
    }

    def one(position: str) -> tuple[str, str]:
        text = graph.op("Gather", texts, graph.op("Reshape", position, graph.constant(np.array([1]))), axis=0)
        marked = graph.op_of_many("BertTokenizer", text, n_outputs=4, domain=_DOMAIN, **settings)[0]
        ids = Value(graph, marked, "int64")
        ids = ids.apply("Slice", ids.constant([1]), ids.constant([-1]))  # without its marks
        ids = ids.apply("Slice", ids.constant([0]), ids.constant([longest]))
        length = sizes(graph, ids.name)
        return ids.apply("Pad", joined(length.constant([0]), longest - length)).name, length.name

    n = sizes(graph, texts)[0]
    ids, lengths = graph.repeat(n.name, one, ["int64", "int64"])
    return Value(graph, ids, "int64"), Value(graph, lengths, "int64")

