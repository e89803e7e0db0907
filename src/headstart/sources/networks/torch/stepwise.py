"""A network as a row of blocks: those that stay as they are need to run only once for each item."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    import torch

    Batch = Mapping[str, torch.Tensor]


class Stepwise:
    """What the modules of `sources.modules` share: `forward` runs all blocks, `run` some of them.

    A subclass has `blocks`, from the input to the output, `step` for one of them, and `pool`.
    """

    @property
    def blocks(self) -> dict[str, torch.nn.Module]:
        """The parts by name, in the order in which they run; each parameter lies in exactly one."""
        raise NotImplementedError

    def step(self, name: str, hidden: torch.Tensor | None, batch: Batch) -> torch.Tensor:
        """Run one block on what the block before it gave; the first takes the batch, and None."""
        raise NotImplementedError

    def pool(self, hidden: torch.Tensor, batch: Batch) -> torch.Tensor:
        """What the last block gave becomes features (n, dimensions)."""
        raise NotImplementedError

    def lengths(self, batch: Batch) -> torch.Tensor | None:  # noqa: ARG002  (photos are all of one size)
        """How many of the second axis of the hidden values and of the batch are not padding, (n,); None where all are."""
        return None

    def run(self, hidden: torch.Tensor | None, batch: Batch, *, first: int = 0, end: int | None = None) -> torch.Tensor:
        """Run the blocks from number `first` to the one before `end`.

        Parameters
        ----------
        hidden : what block `first - 1` gave, or None where `first` is 0
        batch : the network's inputs, by name
        """
        for name in list(self.blocks)[first:end]:
            hidden = self.step(name, hidden, batch)
        assert hidden is not None
        return hidden

    def forward(self, **batch: torch.Tensor) -> torch.Tensor:
        """Compute the features."""
        return self.pool(self.run(None, batch), batch)
