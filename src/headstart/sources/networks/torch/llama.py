"""Llama decoder with mean pooling, trainable."""

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

transformers: Any = require("transformers", extra="train", purpose="training a Llama")


class _Llama(TokenBlocks, transformers.LlamaModel):  # type: ignore[misc]
    @property
    def blocks(self) -> dict[str, torch.nn.Module]:
        middle = {f"block {i}": layer for i, layer in enumerate(self.layers)}
        return {"embeddings": self.embed_tokens, **middle, "norm": self.norm}

    def step(self, name: str, hidden: torch.Tensor | None, batch: Batch) -> torch.Tensor:
        if hidden is None:
            return self.embed_tokens(batch["input_ids"])
        if name == "norm":
            return self.norm(hidden)
        places = torch.arange(hidden.shape[1], device=hidden.device)[None]
        # padding is at the end and tokens attend only to earlier ones, so the mask matters only in the mean
        return self.blocks[name](hidden, position_embeddings=self.rotary_emb(hidden, position_ids=places))


def build(state: Mapping[str, FloatArray], card: Card) -> torch.nn.Module:
    """Build the network with the size of the arrays."""
    n_tokens, width = state["embed_tokens.weight"].shape
    n_heads = card.network["heads"]
    config = transformers.LlamaConfig(
        vocab_size=n_tokens,
        hidden_size=width,
        intermediate_size=state["layers.0.mlp.gate_proj.weight"].shape[0],
        num_hidden_layers=n_layers(state, "layers."),
        num_attention_heads=n_heads,
        num_key_value_heads=state["layers.0.self_attn.k_proj.weight"].shape[0] * n_heads // width,
        max_position_embeddings=card.input["max_tokens"],
        rms_norm_eps=card.network["epsilon"],
        rope_parameters={"rope_type": "default", "rope_theta": card.network["rotary_base"]},
        use_cache=False,
    )
    return _Llama(config)
