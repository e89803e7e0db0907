"""Static embeddings, trainable: one table of token vectors, and their mean."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import nn

from headstart.sources.networks.torch.pooling import TokenBlocks, mean_over_tokens

if TYPE_CHECKING:
    from collections.abc import Mapping

    from headstart.core.dataset import FloatArray
    from headstart.sources.card import Card
    from headstart.sources.networks.torch.stepwise import Batch


class _StaticEmbeddings(TokenBlocks, nn.Module):
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

    def step(self, name: str, hidden: torch.Tensor | None, batch: Batch) -> torch.Tensor:  # noqa: ARG002  (one block)
        return nn.functional.embedding(batch["input_ids"], self.get_parameter(self.name))

    def pool(self, hidden: torch.Tensor, batch: Batch) -> torch.Tensor:
        counts = batch["attention_mask"]
        if self.unknown_token is not None:
            counts = counts * (batch["input_ids"] != self.unknown_token)
        return mean_over_tokens(hidden, counts)


def build(state: Mapping[str, FloatArray], card: Card) -> nn.Module:
    """Build the network with the size of the table."""
    ((name, table),) = state.items()
    return _StaticEmbeddings(name, table, card.network.get("unknown_token"))
