"""BERT encoder with mean pooling, trainable."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from headstart.core.errors import require
from headstart.sources.networks.torch.pooling import TokenBlocks
from headstart.sources.weights import n_layers

if TYPE_CHECKING:
    from collections.abc import Mapping

    from headstart.core.dataset import FloatArray
    from headstart.sources.card import Card
    from headstart.sources.networks.torch.stepwise import Batch

transformers: Any = require("transformers", extra="train", purpose="training a BERT")


class _Bert(TokenBlocks, transformers.BertModel):  # type: ignore[misc]
    @property
    def blocks(self) -> dict[str, torch.nn.Module]:
        return {"embeddings": self.embeddings, **{f"block {i}": layer for i, layer in enumerate(self.encoder.layer)}}

    def step(self, name: str, hidden: torch.Tensor | None, batch: Batch) -> torch.Tensor:
        if hidden is None:
            return self.embeddings(input_ids=batch["input_ids"])
        far_below = torch.finfo(hidden.dtype).min
        padding = (1 - batch["attention_mask"][:, None, None, :].to(hidden.dtype)) * far_below
        return self.blocks[name](hidden, padding)


def build(state: Mapping[str, FloatArray], card: Card) -> torch.nn.Module:
    """Build the network with the sizes of the arrays, without BERT's unused pooler."""
    n_words, width = state["embeddings.word_embeddings.weight"].shape
    config = transformers.BertConfig(
        vocab_size=n_words,
        hidden_size=width,
        num_hidden_layers=n_layers(state, "encoder.layer."),
        num_attention_heads=card.network["heads"],
        intermediate_size=state["encoder.layer.0.intermediate.dense.weight"].shape[0],
        max_position_embeddings=state["embeddings.position_embeddings.weight"].shape[0],
        type_vocab_size=state["embeddings.token_type_embeddings.weight"].shape[0],
    )
    return _Bert(config, add_pooling_layer=False)
