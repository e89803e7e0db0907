"""Preview: how a report shows one item."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from headstart.data.modalities import modality_of_fields

if TYPE_CHECKING:
    from headstart.core.dataset import Dataset


def show(dataset: Dataset, position: int) -> dict[str, Any]:
    """Give the id of one item of a dataset with its preview."""
    return {"id": dataset.ids[position], **modality_of_fields(dataset.fields).preview(dataset.items[position])}
