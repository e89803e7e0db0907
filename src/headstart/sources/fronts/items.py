"""How items come into a graph and are handed to it: photos as files or pixels, texts as strings."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from headstart.core.model import Batch
    from headstart.sources.graph import GraphBuilder

_VISION = "com.microsoft.extensions"
_BATCH_SIZE = 16


def declare(graph: GraphBuilder, modality: str, *, are_files: bool) -> str:
    """Declare the items as an input and give the value that `fronts.attach` takes.

    `text`, strings (batch,); `pixels`, uint8 (batch, height, width, 3), RGB; or `image`, the bytes of one JPEG or PNG file.
    """
    if modality == "text":
        return graph.input("text", "string", ["batch"])
    if not are_files:
        return graph.input("pixels", "uint8", ["batch", "height", "width", 3])
    photo = graph.op("DecodeImage", graph.input("image", "uint8", ["n_bytes"]), domain=_VISION)  # upright, blue first
    rgb = graph.op("Gather", photo, graph.constant(np.array([2, 1, 0])), axis=2)
    return graph.op("Unsqueeze", rgb, graph.constant(np.array([0])))


def batches(items: Sequence[Any], modality: str, *, are_files: bool) -> Iterator[tuple[Batch, Sequence[Any]]]:
    """Give what the graph is fed, and the same items as a bundle takes them: texts together, photos one by one.

    Raises
    ------
    DataError
        A photo cannot be read.
    """
    if modality == "text":
        for first in range(0, len(items), _BATCH_SIZE):
            texts = [str(item) for item in items[first : first + _BATCH_SIZE]]
            yield {"text": np.array(texts, dtype=object)}, texts
        return
    from headstart.data.image import open_image

    for item in items:
        if are_files:
            content = _file(item)
            yield {"image": np.frombuffer(content, np.uint8)}, [content]
        else:
            pixels = np.asarray(open_image(item))
            yield {"pixels": pixels[None]}, [pixels]


def _file(item: Any) -> bytes:
    """Give the bytes of a photo's file; an array becomes a PNG."""
    from headstart.data.image import open_image

    if isinstance(item, str | Path):
        open_image(item)
        return Path(item).read_bytes()
    if isinstance(item, np.ndarray):
        png = io.BytesIO()
        open_image(item).save(png, "PNG")
        return png.getvalue()
    return bytes(item)
