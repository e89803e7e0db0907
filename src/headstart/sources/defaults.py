"""Which source is taken where nothing is ranked: in the estimators for scikit-learn."""

from __future__ import annotations

from headstart.data.modalities import get_modality


def default_source(modality: str) -> str:
    """Name of the source that usually serves a modality well at a small price."""
    return get_modality(modality).default_source
