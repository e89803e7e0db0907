"""Stepwise: a network as a sequence of blocks, so that frozen blocks run only once per item."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    import torch

    Batch = Mapping[str, torch.Tensor]


class Stepwise:
    """Base class of the torch networks: `forward` runs all blocks, `run` some of them.

    A subclass has `blocks`, from the input to the output, `step` for one of them, and `pool`.
    """

    @property
    def blocks(self) -> dict[str, torch.nn.Module]:
        """The blocks by name, in the order in which they run; each parameter is in exactly one."""
        raise NotImplementedError

    def step(self, name: str, hidden: torch.Tensor | None, batch: Batch) -> torch.Tensor:
        """Run one block on the output of the block before it, which is None for the first one."""
        raise NotImplementedError

    def pool(self, hidden: torch.Tensor, batch: Batch) -> torch.Tensor:
        """Pool the output of the last block to features (n, dimensions)."""
        raise NotImplementedError

    def lengths(self, batch: Batch) -> torch.Tensor | None:  # noqa: ARG002  (photos are all of one size)
        """Length without padding of the second axis of hidden values and batch, (n,); None if there is no padding."""
        return None

    def run(self, hidden: torch.Tensor | None, batch: Batch, *, first: int = 0, end: int | None = None) -> torch.Tensor:
        """Run the blocks from `first` to `end`, exclusive.

        Parameters
        ----------
        hidden : output of block `first - 1`, or None if `first` is 0
        batch : the network's inputs, by name
        """
        for name in list(self.blocks)[first:end]:
            hidden = self.step(name, hidden, batch)
        assert hidden is not None
        return hidden

    def forward(self, **batch: torch.Tensor) -> torch.Tensor:
        """Compute the features."""
        return self.pool(self.run(None, batch), batch)
