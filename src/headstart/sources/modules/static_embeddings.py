"""Static embeddings, trainable: one table of token vectors, and their mean."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import nn

from headstart.sources.modules.pooling import mean_over_tokens

if TYPE_CHECKING:
    from collections.abc import Mapping

    from headstart.core.dataset import FloatArray
    from headstart.sources.card import Card


class _StaticEmbeddings(nn.Module):
    def __init__(self, name: str, table: FloatArray, unknown_token: int | None) -> None:
        super().__init__()
        self.name = name
        self.unknown_token = unknown_token
        *path, leaf = name.split(".")
        parent: nn.Module = self
        for part in path:
            parent.add_module(part, nn.Module())
            parent = parent.get_submodule(part)
        parent.register_parameter(leaf, nn.Parameter(torch.zeros(table.shape)))

    @property
    def blocks(self) -> dict[str, nn.Module]:
        return {"embeddings": self}

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        if self.unknown_token is not None:
            attention_mask = attention_mask * (input_ids != self.unknown_token)
        return mean_over_tokens(nn.functional.embedding(input_ids, self.get_parameter(self.name)), attention_mask)


def build(state: Mapping[str, FloatArray], card: Card) -> nn.Module:
    """Make the network of the size that the table has."""
    ((name, table),) = state.items()
    return _StaticEmbeddings(name, table, card.network.get("unknown_token"))
