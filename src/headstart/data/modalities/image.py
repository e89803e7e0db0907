"""Images: files of many formats, their bytes, or arrays of pixels."""

from __future__ import annotations

import base64
import binascii
import io
import os
from numbers import Number
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from headstart.core.errors import DataError
from headstart.data.image import (
    FOREIGN_SUFFIXES,
    IMAGE_SUFFIXES,
    check_image,
    image_size,
    is_pillow,
    open_image,
    pixels_of,
)
from headstart.data.looks import looks
from headstart.data.modalities.cleaned import Cleaned
from headstart.data.modalities.modality import FixedItems, Modality
from headstart.data.modalities.text import shortened
from headstart.data.paths import ImagePaths, image_cells, names_files
from headstart.data.similar_images import similar_images
from headstart.data.values import is_missing

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import PIL.Image

    from headstart.core.arrays import FloatArray
    from headstart.core.model import Batch
    from headstart.data.modalities.modality import Expectations
    from headstart.data.similar_pairs import SimilarPairs

_SUFFIXES = IMAGE_SUFFIXES | FOREIGN_SUFFIXES
_ENDINGS = tuple(_SUFFIXES)
_N_LOOKED_AT = 200
_PREVIEW_PX = 128
_PREVIEW_QUALITY = 72
_NOTEWORTHY = 0.1  # share of the photos from which on something is said
_LONG = 2.0  # longer side against shorter: less than half of the photo is in a centre crop
_GREY_STEP = 8  # grey levels between channels: below it, colour is a trace of compression
_THUMBNAIL_PX = 64
_VISION = "com.microsoft.extensions"
_ONE_PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR4nGM4YaMBAAL8AS3/gzpXAAAAAElFTkSuQmCC"
)


class Image(Modality):
    """An image: the path of a file, its bytes, an array (h, w, 3) uint8, or an image of Pillow's."""

    name: ClassVar[str] = "image"
    singular: ClassVar[str] = "image"
    plural: ClassVar[str] = "images"
    file_noun: ClassVar[str] = "images"
    cell_noun: ClassVar[str] = "image paths"
    order: ClassVar[int] = 10
    column_names: ClassVar[tuple[str, ...]] = ("image", "photo", "picture", "path", "file", "filename", "file_name",
        "filepath", "img", "image_path")  # fmt: skip
    suffixes: ClassVar[frozenset[str]] = _SUFFIXES
    media_types: ClassVar[tuple[str, ...]] = ("image/*",)
    strings_name_files: ClassVar[bool] = True
    is_array: ClassVar[bool] = True
    python_values: str = "paths, bytes, arrays or Pillow images"
    default_source: ClassVar[str] = "efficientnet-lite0"
    wire_format: str = "images in base64 or as files"
    example: bytes = _ONE_PIXEL
    n_compared: ClassVar[int] = 24  # large photos take long to decode, and each source asks anew
    mlflow_type: ClassVar[str] = "binary"  # base64 in JSON
    hub_task: ClassVar[str] = "image-classification"
    loading_code: str = '{"image": np.fromfile("photo.jpg", np.uint8)}'

    def is_value(self, value: Any) -> bool:
        """Whether it is a path with an image's suffix, an image's bytes, or an array of pixels."""
        if isinstance(value, str):
            return len(value) < 1_000 and value.strip().lower().endswith(_ENDINGS) and "\n" not in value
        if isinstance(value, dict):
            return isinstance(value.get("bytes"), bytes) or isinstance(value.get("path"), str)
        return isinstance(value, bytes | os.PathLike) or getattr(value, "ndim", 0) in (2, 3) or is_pillow(value)

    def recognises(self, cells: Sequence[Any], folder: Path | None = None) -> bool:
        """Whether nearly all cells are images, or names of files that are there: paths need no suffix then."""
        present = [cell for cell in cells[:_N_LOOKED_AT] if not is_missing(cell)]
        if present and sum(map(self.is_value, present)) >= 0.9 * len(present):
            return True
        return folder is not None and names_files(present, folder)

    def recognises_file(self, path: Path | str) -> bool:
        """Whether it begins as an image does."""
        return check_image(path) is None

    def misfit(self, values: Sequence[Any]) -> int | None:
        """Give the place of the first number, or of None: neither a file nor pixels."""
        return next((place for place, value in enumerate(values) if value is None or isinstance(value, Number)), None)

    def read_file(self, path: Path) -> Path:
        """Look at the beginning of the file; the value is its path."""
        reason = check_image(path)
        if reason:
            raise DataError(f"'{path}' {reason}.")
        return path

    def read_files(self, root: Path, names: Sequence[str]) -> Cleaned:
        """Keep the names alone."""
        top = f"{root}/"
        wrong = {place: reason for place, name in enumerate(names) if (reason := check_image(top + name))}
        return Cleaned(items=ImagePaths(root, names), wrong=wrong)

    def clean(self, cells: Sequence[Any], folder: Path | None) -> Cleaned:
        """Find the files that cells name, and look at their beginnings; nothing is decoded."""
        items, wrong, notices = image_cells(cells, folder)
        return Cleaned(items=items, wrong=wrong, notices=notices)

    def content(self, item: Any) -> bytes:
        """The bytes of the file; of an image of Pillow's its pixels."""
        if is_pillow(item):
            return pixels_of(item).tobytes()
        if isinstance(item, bytes | bytearray | memoryview):
            return bytes(item)
        try:
            return Path(item).read_bytes()
        except OSError as error:
            reason = error.strerror or type(error).__name__
            raise DataError(f"'{item}' cannot be read ({reason}). Correct the path or remove the row.") from error

    def similar_pairs(self, items: Sequence[Any]) -> SimilarPairs:
        """Pair images that show the same, though cropped, mirrored, resized, brightened or compressed."""
        return similar_images(items)

    def is_distinctive(self, item: Any) -> bool:  # noqa: ARG002
        """Always: a photo is taken of one thing."""
        return True

    def describe(self, items: Sequence[Any]) -> FloatArray:
        """The colors and edges of images."""
        return looks(items)

    def fixed_items(self, settings: Mapping[str, Any]) -> FixedItems:
        """Gradients and a disc of exactly the network's size, so that nothing is resized; and its negative."""
        height, width = settings["height_px"], settings["width_px"]
        rows, columns = np.mgrid[0:height, 0:width]
        both = (rows + columns) * 255 // (height + width)
        drawn = np.stack([rows * 255 // height, columns * 255 // width, both], axis=-1)
        drawn[(rows - height // 2) ** 2 + (columns - width // 3) ** 2 < (height // 4) ** 2] = (250, 120, 30)
        fixed = drawn.astype(np.uint8)
        return FixedItems(reference=fixed, other=255 - fixed, largest=fixed)

    def differences(self, items: Sequence[Any], expected: Expectations) -> list[str]:
        """Say whether many are smaller than the network's view, without colour, or too long for it."""
        photos = _readable(items)
        return _looks(photos, expected) if photos else []

    def receive(self, value: Any) -> bytes:
        """Take the bytes of a file, in base64 where it is a string.

        >>> Image().receive("data:image/png;base64,aGk=")
        b'hi'
        """
        if isinstance(value, bytes):
            return value
        if not isinstance(value, str):
            raise DataError(f"an image was expected, but a {type(value).__name__} came. Send its file in base64.")
        try:
            return base64.b64decode(value.rpartition(",")[2], validate=True)
        except (binascii.Error, ValueError) as error:
            raise DataError("the image is not base64. Send the bytes of its file in that encoding.") from error

    def give(self, item: Any) -> str:
        """Base64 of the file; an array becomes a PNG."""
        return base64.b64encode(self._file(item)).decode()

    def wire_schema(self) -> dict[str, Any]:
        """A string in base64."""
        return {"type": "string", "contentEncoding": "base64"}

    def check_size(self, item: Any, *, max_pixels: int) -> None:
        """Read the size that the head of an encoded image claims."""
        if isinstance(item, bytes):
            width_px, height_px = image_size(item)
            if width_px * height_px > max_pixels:
                raise DataError(
                    f"the image has {width_px * height_px / 1e6:.1f} megapixels; "
                    f"at most {max_pixels / 1e6:g} are read here. Make it smaller."
                )

    def preview(self, item: Any) -> dict[str, str]:
        """Give a JPEG of at most 128 pixels a side; of an image that cannot be read, the reason."""
        try:
            image = open_image(item)
        except DataError as error:
            return {"text": shortened(str(error))}
        image.thumbnail((_PREVIEW_PX, _PREVIEW_PX))
        jpeg = io.BytesIO()
        image.save(jpeg, "JPEG", quality=_PREVIEW_QUALITY, optimize=True)
        return {"thumbnail": f"data:image/jpeg;base64,{base64.b64encode(jpeg.getvalue()).decode()}"}

    def from_preview(self, shown: Mapping[str, Any]) -> bytes | None:
        """The small JPEG."""
        thumbnail = shown.get("thumbnail")
        return base64.b64decode(thumbnail.partition(",")[2]) if isinstance(thumbnail, str) else None

    def stand_ins(self, words: Sequence[str]) -> list[Any]:  # noqa: ARG002
        """A drawn image."""
        rows, columns = np.mgrid[0:300, 0:400]
        return [np.stack([rows * 255 // 300, columns * 255 // 400, (rows + columns) % 256], axis=-1).astype(np.uint8)]

    def declare(self, graph: Any, *, are_files: bool, name: str | None = None) -> str:
        """`pixels`, uint8 (batch, height, width, 3), RGB; or `image`, the bytes of one JPEG or PNG file."""
        if not are_files:
            sides = [f"{name}.{side}" if name else side for side in ("height", "width")]
            declared: str = graph.input(name or "pixels", "uint8", ["batch", *sides, 3])
            return declared
        content = graph.input(name or "image", "uint8", [f"{name}.n_bytes" if name else "n_bytes"])
        photo = graph.op("DecodeImage", content, domain=_VISION)  # upright, blue first
        rgb = graph.op("Gather", photo, graph.constant(np.array([2, 1, 0])), axis=2)
        batch: str = graph.op("Unsqueeze", rgb, graph.constant(np.array([0])))
        return batch

    def feeds(
        self, items: Sequence[Any], *, are_files: bool, name: str | None = None
    ) -> Iterator[tuple[Batch, Sequence[Any]]]:
        """One image at a time, for each has its own size."""
        for item in items:
            if are_files:
                content = self._file(item)
                yield {name or "image": np.frombuffer(content, np.uint8)}, [content]
            else:
                pixels = np.asarray(open_image(item))
                yield {name or "pixels": pixels[None]}, [pixels]

    def _file(self, item: Any) -> bytes:
        """Give the bytes of an image's file; an array becomes a PNG."""
        if isinstance(item, np.ndarray) or is_pillow(item):
            png = io.BytesIO()
            open_image(item).save(png, "PNG")
            return png.getvalue()
        if isinstance(item, str | Path):
            open_image(item)  # says what is wrong with a file that no graph could read
        return self.content(item)


def _readable(items: Sequence[Any]) -> list[PIL.Image.Image]:
    """Decode what can be decoded; what cannot is reported elsewhere."""
    photos = []
    for item in items:
        try:
            photos.append(open_image(item))
        except DataError:
            continue
    return photos


def _looks(photos: Sequence[PIL.Image.Image], expected: Expectations) -> list[str]:
    sentences, name = [], expected.name
    seen_px = min(expected.settings["height_px"], expected.settings["width_px"])
    shorter = np.array([min(photo.size) for photo in photos])
    ratio = np.array([max(photo.size) for photo in photos]) / shorter
    small, long = float((shorter < seen_px).mean()), float((ratio > _LONG).mean())
    grey = float(np.mean([_is_grey(photo) for photo in photos]))
    if small >= _NOTEWORTHY:
        sentences.append(
            f"{small:.0%} of the photos are smaller than the {seen_px} pixels that {name} sees (half of all have "
            f"{np.median(shorter):.0f} or fewer on the shorter side): they are enlarged, and details are not there."
        )
    if grey >= _NOTEWORTHY:
        sentences.append(f"{grey:.0%} of the photos have no colour, and {name} reads colour: a part of it lies idle.")
    if long >= _NOTEWORTHY and expected.settings["resize"] == "crop":
        sentences.append(
            f"{long:.0%} of the photos are more than twice as long as wide, or as wide as long: {name} sees the centre, "
            "less than half of each."
        )
    return sentences


def _is_grey(photo: PIL.Image.Image) -> bool:
    pixels = np.asarray(photo.resize((_THUMBNAIL_PX, _THUMBNAIL_PX)), dtype=np.int16)
    return int(np.ptp(pixels, axis=2).max()) <= _GREY_STEP
