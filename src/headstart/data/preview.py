"""Show one item in a report: a small photo, or the beginning of a text."""

from __future__ import annotations

import base64
import io
from typing import TYPE_CHECKING, Any

from headstart.core.errors import DataError

if TYPE_CHECKING:
    from headstart.core.dataset import Dataset, Modality

_SIDE_PX = 128
_QUALITY = 72
_N_CHARACTERS = 280


def preview(item: Any, modality: Modality) -> dict[str, str]:
    r"""Give `{"thumbnail": data URI}` of a JPEG of at most 128 pixels a side, or `{"text": first 280 characters}`.

    >>> preview("A   short\ntext.", "text")
    {'text': 'A short text.'}
    """
    if modality == "text":
        return {"text": _shortened(str(item))}
    from headstart.data.image import open_image

    try:
        image = open_image(item)
    except DataError as error:
        return {"text": _shortened(str(error))}
    image.thumbnail((_SIDE_PX, _SIDE_PX))
    jpeg = io.BytesIO()
    image.save(jpeg, "JPEG", quality=_QUALITY, optimize=True)
    return {"thumbnail": f"data:image/jpeg;base64,{base64.b64encode(jpeg.getvalue()).decode()}"}


def show(dataset: Dataset, position: int) -> dict[str, Any]:
    """Give the id of one item of a dataset with its preview."""
    return {"id": dataset.ids[position], **preview(dataset.items[position], dataset.modality)}


def _shortened(text: str) -> str:
    words = " ".join(text[: 4 * _N_CHARACTERS].split())
    return words if len(words) <= _N_CHARACTERS else words[: _N_CHARACTERS - 1].rstrip() + "…"
