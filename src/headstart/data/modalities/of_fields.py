"""What a dataset's items are, by its fields."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headstart.data.modalities.lookup import modality_of_field
from headstart.data.modalities.row import Row

if TYPE_CHECKING:
    from headstart.core.dataset import Field
    from headstart.data.modalities.modality import Modality


def modality_of_fields(fields: tuple[Field, ...]) -> Modality:
    """Give the modality of the one field, or `Row` where there are several.

    >>> from headstart.core.dataset import Field
    >>> modality_of_fields((Field("text", "text"),)).plural
    'texts'
    """
    return modality_of_field(fields[0]) if len(fields) == 1 else Row(fields)
