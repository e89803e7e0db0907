"""Shared parts of text networks: padding masks and the mean over the tokens."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headstart.sources.networks.torch.stepwise import Stepwise

if TYPE_CHECKING:
    import torch

    from headstart.sources.networks.torch.stepwise import Batch


class TokenBlocks(Stepwise):
    """Blocks on hidden values (n, length, width), and their mean over the tokens that are not padding."""

    def lengths(self, batch: Batch) -> torch.Tensor:
        """Tokens of each text."""
        return batch["attention_mask"].sum(dim=1)

    def pool(self, hidden: torch.Tensor, batch: Batch) -> torch.Tensor:
        """Average over the tokens; zeros if there are none."""
        return mean_over_tokens(hidden, batch["attention_mask"])


def mean_over_tokens(hidden: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """Average (n, length, d) over the tokens that are not padding; zeros if there are none."""
    weight = mask.to(hidden.dtype).unsqueeze(-1)
    return (hidden * weight).sum(dim=1) / weight.sum(dim=1).clamp(min=1)
