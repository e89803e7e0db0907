"""References: where everyday photos or texts lie in a source's feature space, and how far from there other data lies."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from headstart.sources.weights import from_safetensors, to_safetensors

if TYPE_CHECKING:
    from collections.abc import Sequence

    from headstart.core.dataset import FloatArray
    from headstart.sources.card import Card

FOLDER = Path(__file__).parent / "references"
MOST_ITEMS = 48  # a distance depends a little on how many items it is measured on: all are measured on about as many
FEWEST_ITEMS = 32
_FLOOR = 1e-3  # of the mean variance, added to every variance: features that never change would count without end


@dataclass(frozen=True, kw_only=True)
class Reference:
    """Mean and standard deviation of every feature over several everyday datasets, each weighing the same.

    Attributes
    ----------
    mean, deviation : shape (d,)
    typical : the largest distance that any one of the datasets has from the others
    """

    mean: FloatArray
    deviation: FloatArray
    typical: float

    @classmethod
    def of(cls, datasets: Sequence[FloatArray]) -> Reference:
        """Summarise three or more datasets, each of shape (n, d), and measure each against the others."""
        left_out = [
            cls._pooled([*datasets[:i], *datasets[i + 1 :]], 0.0).distance(one) for i, one in enumerate(datasets)
        ]
        return cls._pooled(datasets, max(left_out))

    @classmethod
    def _pooled(cls, datasets: Sequence[FloatArray], typical: float) -> Reference:
        mean = np.mean([one.mean(axis=0, dtype=np.float64) for one in datasets], axis=0)
        square = np.mean([np.square(one, dtype=np.float64).mean(axis=0) for one in datasets], axis=0)
        return cls(mean=mean, deviation=np.sqrt(np.maximum(square - mean**2, 0.0)), typical=typical)

    def distance(self, features: FloatArray) -> float:
        """Measure how far features, shape (n, d), lie from the reference: from 0 to 1.

        The root mean square over features of the Hellinger distance between two normal distributions. It sees both a shifted
        mean and another spread; no feature counts for more than 1. Of many items some are taken, evenly spaced; of the
        mean's shift as much is left out as so few items have by chance.

        References
        ----------
        Pardo, Statistical Inference Based on Divergence Measures, 2006, on the Hellinger distance.
        """
        rows = np.asarray(features[evenly(len(features), MOST_ITEMS)], dtype=np.float64)
        floor = _FLOOR * float(np.square(self.deviation).mean())
        ours, theirs = rows.var(axis=0, ddof=1) + floor, np.square(self.deviation) + floor
        shift = np.maximum(np.square(rows.mean(axis=0) - self.mean) - ours / len(rows), 0.0)
        overlap = np.sqrt(2 * np.sqrt(ours * theirs) / (ours + theirs)) * np.exp(-shift / (4 * (ours + theirs)))
        return float(np.sqrt(np.mean(1 - overlap)))

    def to_bytes(self) -> bytes:
        """Write it as safetensors."""
        return to_safetensors({name: np.asarray(value, np.float32).reshape(-1) for name, value in vars(self).items()})


def reference_of(card: Card) -> Reference | None:
    """Read the reference that is kept beside the cards; None for a source that has none."""
    path = FOLDER / f"{card.name}.safetensors"
    if not path.is_file():
        return None
    arrays = from_safetensors(path.read_bytes())
    return Reference(mean=arrays["mean"], deviation=arrays["deviation"], typical=float(arrays["typical"][0]))


def evenly(n: int, most: int) -> list[int]:
    """Give at most `most` of n positions, evenly spaced.

    >>> evenly(3, 48), evenly(100, 3)
    ([0, 1, 2], [0, 49, 99])
    """
    return [int(position) for position in np.linspace(0, n - 1, min(n, most))]
