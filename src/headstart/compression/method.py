"""CompressionMethod: one file each, registered by an entry point of the group `headstart.compression_methods`."""

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
"""What methods change. A combination has at most one method per place, in this order."""


class NotApplicable(Exception):  # noqa: N818  (not an error: the table of trials shows it)
    """A method does not apply to a model; the message says why."""


@dataclass(frozen=True, kw_only=True)
class Variant:
    """A model made by a method; `note` says what the figures do not show."""

    name: str
    packed: Packed
    note: str = ""


@dataclass(frozen=True, kw_only=True)
class CalibrationSet:
    """The items that a method may use; none of them is in the test part.

    Attributes
    ----------
    dataset : labeled items with their groups of near-duplicates, and unlabeled items
    context : its seed samples the items
    """

    dataset: Dataset
    context: RunContext

    @property
    def seed(self) -> int:
        """For choosing among the items."""
        return self.context.seed

    def sample(self, n: int) -> list[Any]:
        """Draw up to n items."""
        order = np.random.default_rng(self.seed).permutation(len(self.dataset))
        return [self.dataset.items[i] for i in order[:n]]


class CompressionMethod(Protocol):
    """A method, with one or several settings."""

    @property
    def name(self) -> str:
        """The name it is registered under."""
        ...

    @property
    def place(self) -> Place:
        """What it changes."""
        ...

    def variants(self, packed: Packed, calibration: CalibrationSet) -> Iterator[Variant]:
        """Make variants of the model that may be smaller or faster.

        Raises
        ------
        NotApplicable
            The method does not apply to this model.
        """
        ...
