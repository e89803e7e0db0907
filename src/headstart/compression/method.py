"""What a method of compression is: one file each, registered by an entry point of the group `headstart.compressions`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from headstart.core.dataset import Dataset
    from headstart.engines.context import RunContext
    from headstart.packaging.packed import Packed

Place = Literal["network", "head", "arithmetic", "storage"]
PLACES: tuple[Place, ...] = ("network", "head", "arithmetic", "storage")
"""What a method changes. A combination takes at most one method of each place, in this order."""


class NotApplicable(Exception):  # noqa: N818  (no error: the table of what was tried says it)
    """A method has nothing to do on a model; the message says why."""


@dataclass(frozen=True, kw_only=True)
class Variant:
    """A model that a method made; `note` says what of it the figures do not."""

    name: str
    packed: Packed
    note: str = ""


@dataclass(frozen=True, kw_only=True)
class CalibrationSet:
    """What a method may learn from: items that prove nothing.

    Attributes
    ----------
    dataset : labelled items with their groups of near-duplicates; the unlabelled ones lie beside them
    context : its seed chooses among the items
    """

    dataset: Dataset
    context: RunContext

    @property
    def seed(self) -> int:
        """For choosing among the items."""
        return self.context.seed

    def some(self, n: int) -> list[Any]:
        """Draw up to n items."""
        order = np.random.default_rng(self.seed).permutation(len(self.dataset))
        return [self.dataset.items[i] for i in order[:n]]


class Compression(Protocol):
    """One method, or several settings of it."""

    @property
    def name(self) -> str:
        """The name under which it is registered."""
        ...

    @property
    def place(self) -> Place:
        """What it changes."""
        ...

    def variants(self, packed: Packed, calibration: CalibrationSet) -> Iterator[Variant]:
        """Make the model smaller or faster, in one way or more.

        Raises
        ------
        Unsuited
            There is nothing to do.
        """
        ...
