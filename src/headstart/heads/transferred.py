"""Transferred: a pretrained network with a fitted head, as a predictor."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from headstart.features import embed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from headstart.core.dataset import FloatArray
    from headstart.heads.head import EnsembleHead
    from headstart.sources import AnySource


@dataclass(frozen=True, kw_only=True)
class Transferred:
    """A `core.model.Predictor` made of a network and a head."""

    name: str
    network: AnySource
    head: EnsembleHead

    def predict(self, items: Sequence[Any]) -> FloatArray:
        """Outputs for items, shape (n, k)."""
        return self.head.outputs(embed(items, self.network).values)
