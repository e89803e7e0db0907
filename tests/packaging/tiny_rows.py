"""Tiny models of rows: two texts, or a text and a photo."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from tiny_bundle import LABELS, TinyHead, TinyNetwork, make_bundle, make_photos, make_schema
from tiny_texts import TEXT_LABELS, WORDS, WordsNetwork
from tokenizers import Tokenizer
from tokenizers.models import WordPiece
from tokenizers.normalizers import BertNormalizer
from tokenizers.pre_tokenizers import BertPreTokenizer

from headstart.core.dataset import Field
from headstart.sources.preprocessors.joint import JointPreprocessor, prefix_of
from headstart.sources.preprocessors.tokens import TextTokenizer

TWO_TEXTS = (Field("subject", "text"), Field("body", "text"))
TEXT_AND_PHOTO = (Field("subject", "text"), Field("photo", "image"))
ROWS = [
    {"subject": "kiwi", "body": "plum plum"},
    {"subject": "lime lime", "body": "what"},
    {"subject": "", "body": "plüm kiwi"},
]


class PiecesNetwork(WordsNetwork):
    """The same with BERT's kind of tokenizer, which graphs and browsers know."""

    def __init__(self):
        super().__init__()
        tokenizer = Tokenizer(WordPiece({word: number for number, word in enumerate(WORDS)}, unk_token="[UNK]"))
        tokenizer.normalizer, tokenizer.pre_tokenizer = BertNormalizer(), BertPreTokenizer()
        self.input = TextTokenizer(tokenizer.to_str().encode(), max_tokens=16)


class RowsNetwork:
    """A network a field, their features side by side."""

    name, modality, digest = "rows", "row", "0" * 64

    def __init__(self, fields):
        self.parts = [TinyNetwork() if field.modality == "image" else PiecesNetwork() for field in fields]
        self.dimensions = 3 * len(fields)
        self.input = JointPreprocessor(
            inputs=tuple(part.input for part in self.parts), fields=tuple(field.name for field in fields)
        )

    def encode(self, graph):
        values = []
        for position, part in enumerate(self.parts):
            with graph.inputs_named(prefix_of(position)):
                values.append(part.encode(graph))
        return graph.op("Concat", *values, axis=1)

    def features(self, items):
        batch = self.input.transform(items)
        found = []
        for position, part in enumerate(self.parts):
            own = {
                name.removeprefix(prefix_of(position)): array
                for name, array in batch.items()
                if name.startswith(prefix_of(position))
            }
            if isinstance(part, TinyNetwork):
                found.append((own["pixels"].astype(np.float64) / 255).mean(axis=(1, 2)))
            else:
                found.append((part.table[own["input_ids"]] * own["attention_mask"][:, :, None]).sum(axis=1))
        return np.concatenate(found, axis=1)


@dataclass
class RowsPredictor:
    fields: tuple
    name: str = "rows"

    def __post_init__(self):
        self.network = RowsNetwork(self.fields)
        self.head = TinyHead(np.concatenate([np.eye(3) * 4, np.eye(3)[::-1] * 2.5]))

    def predict(self, items):
        return self.head.outputs(self.network.features(items))


def photo_rows(n=3):
    """A text and a photo a row."""
    return [{"subject": "kiwi lime", "photo": pixels} for pixels in make_photos(n)]


def make_rows_bundle(folder, fields=TWO_TEXTS):
    has_photo = any(field.modality == "image" for field in fields)
    schema = make_schema(
        name="rows",
        modality="row",
        labels=LABELS if has_photo else TEXT_LABELS,
        columns={"input": ",".join(field.name for field in fields)},
        fields=fields,
    )
    items = photo_rows() if has_photo else ROWS
    return make_bundle(folder, predictor=RowsPredictor(fields), schema=schema, check_items=items)
