"""Which source is taken where the user names none and nothing is ranked: in the estimators for scikit-learn."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from headstart.core.dataset import Modality

_BEST_FIRST: dict[Modality, tuple[str, ...]] = {
    "image": ("efficientnet-lite0",),
    "text": ("all-minilm-l6-v2", "wordllama-256"),
}


def default_sources(modality: Modality) -> tuple[str, ...]:
    """Names of the sources of a modality, the most capable first and the fastest last."""
    return _BEST_FIRST[modality]
