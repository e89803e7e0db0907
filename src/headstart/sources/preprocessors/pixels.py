"""ImagePreprocessor: turn photos of any shape and size into a batch of one size."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np

from headstart.core.errors import SourceError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from PIL.Image import Image

    from headstart.core.model import Batch

Resize = Literal["squash", "crop", "pad"]
_CROP_SHARE = 0.875  # of the shorter side, as ImageNet networks are evaluated
_MAX_SIDE_PX = 4096  # of a network's input; known networks take less than a quarter of it
_Box = tuple[float, float, float, float]


@dataclass(frozen=True, kw_only=True)
class ImagePreprocessor:
    """Upright RGB pixels, resized in one step with antialiasing.

    Attributes
    ----------
    height_px, width_px : size of the network's input
    resize : 'crop' the center as in the evaluation of ImageNet networks, 'squash' the whole photo, or 'pad' it with gray
    crop_share : share of the shorter side that a crop keeps, above 0, at most 1

    >>> ImagePreprocessor(height_px=4, width_px=4).transform([np.zeros((9, 7, 3), np.uint8)])["pixels"].shape
    (1, 4, 4, 3)
    """

    kind: ClassVar[str] = "pixels"
    modality: ClassVar[str] = "image"
    height_px: int
    width_px: int
    resize: Resize = "crop"
    crop_share: float = _CROP_SHARE

    @classmethod
    def build(cls, settings: Mapping[str, Any], files: Mapping[str, bytes]) -> ImagePreprocessor:  # noqa: ARG003  (all preprocessors share one signature)
        """Rebuild it from its settings; there are no files."""
        try:
            made = cls(
                height_px=settings["height_px"],
                width_px=settings["width_px"],
                resize=settings["resize"],
                crop_share=settings.get("crop_share", _CROP_SHARE),
            )
        except KeyError as error:
            raise SourceError(f"the settings of an image preprocessor lack {error}. Fetch or save it again.") from error
        if made.resize not in ("squash", "crop", "pad"):
            raise SourceError(f"resize must be squash, crop or pad, got '{made.resize}'. Fetch or save it again.")
        if not all(type(side) is int and 0 < side <= _MAX_SIDE_PX for side in (made.height_px, made.width_px)):
            raise SourceError(
                f"height_px and width_px must be 1 to {_MAX_SIDE_PX}, got {made.height_px} and {made.width_px}. Fetch or save it again."
            )
        if not isinstance(made.crop_share, int | float) or not 0 < made.crop_share <= 1:
            raise SourceError(
                f"crop_share must be above 0 and at most 1, got {made.crop_share}. Fetch or save it again."
            )
        return made

    def transform(self, items: Sequence[Any]) -> Batch:
        """Decode and resize images: `pixels`, uint8, (n, height, width, 3).

        Raises
        ------
        DataError
            An image cannot be read; the message names it.
        """
        pixels = np.empty((len(items), self.height_px, self.width_px, 3), np.uint8)
        for i, item in enumerate(items):
            pixels[i] = self._pixels(item)
        return {"pixels": pixels}

    def settings(self) -> dict[str, Any]:
        """All four attributes."""
        return asdict(self)

    def files(self) -> Mapping[str, bytes]:
        """There are none."""
        return {}

    def _pixels(self, item: object) -> np.ndarray[Any, Any]:
        size = (self.width_px, self.height_px)
        if isinstance(item, np.ndarray) and item.shape == (self.height_px, self.width_px, 3) and item.dtype == np.uint8:
            return item
        from PIL import Image

        from headstart.data.image import open_image

        image = open_image(item)
        resized = image.resize(self._inner_size(image), Image.Resampling.BICUBIC, self._box(image), reducing_gap=3.0)
        if resized.size == size:
            return np.asarray(resized)
        canvas = Image.new("RGB", size, (127, 127, 127))
        canvas.paste(resized, ((size[0] - resized.width) // 2, (size[1] - resized.height) // 2))
        return np.asarray(canvas)

    def _box(self, image: Image) -> _Box:
        """The visible part of the photo: left, upper, right, lower."""
        if self.resize != "crop":
            return (0, 0, image.width, image.height)
        scale = min(image.width / self.width_px, image.height / self.height_px) * self.crop_share
        width, height = self.width_px * scale, self.height_px * scale
        left, upper = (
            max(0.0, (image.width - width) / 2),
            max(0.0, (image.height - height) / 2),
        )  # rounding may give -1e-14
        return (left, upper, min(left + width, image.width), min(upper + height, image.height))

    def _inner_size(self, image: Image) -> tuple[int, int]:
        if self.resize != "pad":
            return (self.width_px, self.height_px)
        scale = min(self.width_px / image.width, self.height_px / image.height)
        return (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
