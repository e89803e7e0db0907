"""A tiny model of texts: which of a few words occur."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from tiny_bundle import TinyHead, make_bundle, make_schema
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace

from headstart.sources.preprocessors.tokens import TextTokenizer

WORDS = ("[UNK]", "kiwi", "plum", "lime")
TEXT_LABELS = ("about kiwi", "about plum", "about lime")


class WordsNetwork:
    """The sum of one vector a token."""

    name, modality, dimensions, digest = "words", "text", 3, "0" * 64

    def __init__(self):
        tokenizer = Tokenizer(WordLevel({word: number for number, word in enumerate(WORDS)}, unk_token="[UNK]"))
        tokenizer.pre_tokenizer = Whitespace()
        self.input = TextTokenizer(tokenizer.to_str().encode(), max_tokens=16)
        self.table = np.concatenate([np.zeros((1, 3)), np.eye(3)]).astype(np.float32)

    def encode(self, graph):
        ids = graph.input("input_ids", "int64", ["batch", "length"])
        mask = graph.op("Cast", graph.input("attention_mask", "int64", ["batch", "length"]), to=1)
        vectors = graph.op("Gather", graph.constant(self.table), ids)
        marked = graph.op("Mul", vectors, graph.op("Unsqueeze", mask, graph.constant(np.array([2], dtype=np.int64))))
        return graph.op("ReduceSum", marked, graph.constant(np.array([1], dtype=np.int64)), keepdims=0)


@dataclass
class WordsPredictor:
    name: str = "words"

    def __post_init__(self):
        self.network = WordsNetwork()
        self.head = TinyHead(np.eye(3) * 4)

    def predict(self, items):
        batch = self.network.input.transform(items)
        features = (self.network.table[batch["input_ids"]] * batch["attention_mask"][:, :, None]).sum(axis=1)
        return self.head.outputs(features)


def make_text_bundle(folder):
    schema = make_schema(name="words", modality="text", labels=TEXT_LABELS, columns={"input": "message"})
    return make_bundle(folder, predictor=WordsPredictor(), schema=schema, check_items=["kiwi plum", "lime", "what"])
