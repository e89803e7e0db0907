"""What a bundle says of the data that its model expects."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, kw_only=True)
class BundleSchema:
    """What the bundle says of the data that the model expects: as in `Dataset`, without the items."""

    name: str
    modality: str
    task: str
    labels: tuple[str, ...]
    columns: Mapping[str, str] = field(default_factory=dict)
