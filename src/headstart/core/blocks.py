"""Block: some columns of the features, and what they are made of."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


@dataclass(frozen=True, kw_only=True)
class Block:
    """Features that stand side by side with others.

    Attributes
    ----------
    name : of what computes them; no two blocks share one
    field : the field of the items that is read; empty where an item is read as a whole
    start, stop : the first column, and the one after the last
    is_pretrained : whether they owe anything to pretraining, and are the same whatever is learned from
    """

    name: str
    field: str = ""
    start: int = 0
    stop: int
    is_pretrained: bool = True

    @property
    def columns(self) -> slice:
        """Where they stand."""
        return slice(self.start, self.stop)


def side_by_side(blocks: Iterable[Block]) -> tuple[Block, ...]:
    """Move blocks behind one another.

    >>> [block.start for block in side_by_side([Block(name="a", stop=3), Block(name="b", stop=2)])]
    [0, 3]
    """
    placed: list[Block] = []
    start = 0
    for block in blocks:
        stop = start + block.stop - block.start
        placed.append(replace(block, start=start, stop=stop))
        start = stop
    return tuple(placed)
