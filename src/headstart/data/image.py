"""Images of any kind become upright RGB photos."""

from __future__ import annotations

import io
import re
import struct
import warnings
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from headstart.core.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import ModuleType

    from PIL.Image import Image

MAX_PIXELS = 50_000_000
IMAGE_SUFFIXES = frozenset(
    {
        ".jpg",
        ".jpeg",
        ".jpe",
        ".jfif",
        ".png",
        ".gif",
        ".bmp",
        ".webp",
        ".tif",
        ".tiff",
        ".ppm",
        ".pgm",
        ".pbm",
        ".avif",
    }
)
FOREIGN_SUFFIXES = frozenset({".svg", ".heic", ".heif", ".raw", ".cr2", ".nef", ".dng", ".psd", ".ai", ".eps", ".pdf"})
"""Pictures that cannot be read here: they are named rather than passed over."""

# a fixed list: Pillow's other readers call outside programs (EPS) or are seldom tried
_FORMATS = ("JPEG", "MPO", "PNG", "GIF", "BMP", "WEBP", "TIFF", "PPM", "AVIF")
_SIGNATURES = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"GIF8", b"BM", b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_WHITE = (255, 255, 255, 255)


def open_image(item: Any, *, min_px: int | None = None) -> Image:
    """Decode an image as people see it: upright, RGB, 8 bits a channel.

    EXIF rotation is applied; CMYK, grey, palette and 16-bit images are converted; transparency is laid on white; of an
    animation the first frame is taken.

    Parameters
    ----------
    item : path, bytes of a file, array, or an image of Pillow's
        An array has shape (h, w), (h, w, 1), (h, w, 3) or (h, w, 4): uint8, uint16, or floats from 0 to 1.
    min_px : where a small image is enough, a JPEG is decoded at a fraction of its size, with sides of at least so many pixels

    Raises
    ------
    DataError
        The image is missing, empty, truncated, not an image, or larger than 50 megapixels; the message names it.
    """
    if isinstance(item, np.ndarray):
        return _from_array(item)
    if is_pillow(item):
        return _as_photo(item).copy()
    name = "the image" if isinstance(item, bytes | bytearray | memoryview) else f"'{item}'"
    with _reasons(item, name):
        return _decode(item, name, min_px)


def image_size(content: bytes) -> tuple[int, int]:
    """Width and height in pixels that the head of an encoded image claims; nothing is decoded.

    Raises
    ------
    DataError
        It has no head that can be read.
    """
    with _reasons(content, "the image"), _pillow().open(io.BytesIO(content), formats=_known_formats()) as image:
        return image.width, image.height


def check_image(path: Path | str) -> str | None:
    """Look at the first bytes of an image file without decoding it.

    Returns
    -------
    What is wrong with it, to be read after its name, or None.
    """
    try:
        with open(path, "rb", buffering=0) as file:  # noqa: PTH123  thousands of files: Path.open costs as much again
            head = file.read(32)
    except FileNotFoundError:
        return "does not exist; correct the path or remove it"
    except OSError as error:
        return f"cannot be opened ({error.strerror})"
    return None if _is_signature(head) else _what_instead(head, Path(path).suffix.lower())


@contextmanager
def _reasons(item: Any, name: str) -> Iterator[None]:
    """Turn all that Pillow raises on a file that it cannot read into a `DataError` that says why."""
    try:
        yield
    except DataError:
        raise
    except FileNotFoundError as error:
        raise DataError(f"{name} does not exist. Correct the path or remove the row.") from error
    except (OSError, SyntaxError, ValueError, EOFError, IndexError, TypeError, struct.error) as error:
        raise DataError(f"{name} {_reason(item, error)}.") from error
    except (_pillow().DecompressionBombError, _pillow().DecompressionBombWarning) as error:
        raise DataError(_too_large(name, re.findall(r"\d+", str(error))[:1])) from error


def _decode(item: Any, name: str, min_px: int | None) -> Image:
    source = io.BytesIO(item) if isinstance(item, bytes | bytearray | memoryview) else item
    with _pillow().open(source, formats=_known_formats()) as image:
        if image.width * image.height > MAX_PIXELS:
            raise DataError(_too_large(name, [str(image.width * image.height)]))
        if min_px is not None:
            image.draft("RGB", (min_px, min_px))
        return _as_photo(image)


def is_pillow(item: Any) -> bool:
    """Whether it is an image that Pillow holds; Pillow is not imported to know it."""
    return any(kind.__module__.startswith("PIL.") and kind.__name__ == "Image" for kind in type(item).__mro__)


def pixels_of(image: Image) -> np.ndarray[Any, Any]:
    """Pixels (h, w, 3), uint8, of an image that Pillow holds: upright and on white, as if it were read from its file."""
    return np.asarray(_as_photo(image))


def _as_photo(image: Image) -> Image:
    """Bring an open image to upright RGB."""
    image.load()
    if image.mode != "RGB" or "transparency" in image.info:
        image_rgb = _to_rgb(image)
        image_rgb.info.update({k: image.info[k] for k in ("exif", "xmp") if k in image.info})
    else:
        image_rgb = image
    if "exif" in image.info or "xmp" in image.info:
        return _upright(image, image_rgb)
    return image_rgb


def _upright(image: Image, converted: Image) -> Image:
    """Turn `converted` as the metadata of `image` say; unreadable metadata turn nothing."""
    try:
        orientation = image.getexif().get(0x0112, 1)
    except (OSError, SyntaxError, ValueError, TypeError, struct.error, KeyError):
        return converted
    turn = _pillow().Transpose
    method = {
        2: turn.FLIP_LEFT_RIGHT,
        3: turn.ROTATE_180,
        4: turn.FLIP_TOP_BOTTOM,
        5: turn.TRANSPOSE,
        6: turn.ROTATE_270,
        7: turn.TRANSVERSE,
        8: turn.ROTATE_90,
    }.get(orientation)
    return converted if method is None else converted.transpose(method)


def _to_rgb(image: Image) -> Image:
    if image.mode == "F" or image.mode.startswith("I"):
        return _from_array(_deep_grey(image))
    if image.mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in image.info:
        image = image.convert("RGBA")
        tuning_problem = _pillow().new("RGBA", image.size, _WHITE)
        image = _pillow().alpha_composite(tuning_problem, image)
    return image.convert("RGB")


def _from_array(array: np.ndarray[Any, Any]) -> Image:
    image: Image = _pillow().fromarray(_as_rgb(array))
    return image


def _deep_grey(image: Image) -> np.ndarray[Any, Any]:
    """Bring grey values deeper than 8 bits to 0..1, shape (h, w)."""
    values = np.nan_to_num(np.asarray(image).astype(np.float32))
    full_scale = 65535.0 if image.mode.startswith("I") else 1.0
    if values.max() > full_scale:
        full_scale = 255.0 if values.max() <= 255 else float(values.max())
    scaled: np.ndarray[Any, Any] = np.clip(values / full_scale, 0, 1)
    return scaled


def _as_rgb(array: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Shape (h, w, 3), uint8, from any array that can be read as one image."""
    if array.ndim == 2:
        array = array[:, :, None]
    if array.ndim != 3 or array.shape[2] not in (1, 3, 4) or 0 in array.shape:
        raise DataError(f"an image array has shape (height, width, 3); this one has {array.shape}.")
    array = _eight_bits(array)
    if array.shape[2] == 4:
        alpha = array[:, :, 3:].astype(np.uint16)
        array = ((array[:, :, :3] * alpha + 255 * (255 - alpha) + 127) // 255).astype(np.uint8)
    return np.ascontiguousarray(np.broadcast_to(array, (*array.shape[:2], 3)))


def _eight_bits(array: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    if array.dtype == np.uint8:
        return array
    if array.dtype == np.bool_:
        return array.astype(np.uint8) * 255
    if array.dtype == np.uint16:
        return np.round(array / 257).astype(np.uint8)
    if array.dtype.kind == "f" and array.min() >= 0 and array.max() <= 1:
        return np.round(array * 255).astype(np.uint8)
    if array.dtype.kind in "iuf" and array.min() >= 0 and array.max() <= 255:
        return np.round(array).astype(np.uint8)
    raise DataError(
        f"an image array holds uint8, uint16, or floats from 0 to 1; this one is {array.dtype} "
        f"from {array.min():g} to {array.max():g}."
    )


@cache
def _pillow() -> ModuleType:
    import PIL.Image

    # the limit here is stricter and names the file; the warning would be a second voice
    warnings.filterwarnings("ignore", category=PIL.Image.DecompressionBombWarning)
    return PIL.Image


@cache
def _known_formats() -> tuple[str, ...]:
    pillow = _pillow()
    pillow.init()
    return tuple(name for name in _FORMATS if name in pillow.OPEN)


def _reason(item: Any, error: BaseException) -> str:
    if isinstance(item, bytes | bytearray | memoryview):
        head, suffix = bytes(item[:32]), ""
    else:
        wrong = check_image(item)
        if wrong is not None:
            return wrong
        head, suffix = b"", Path(item).suffix.lower()
    if isinstance(item, bytes | bytearray | memoryview) and not _is_signature(head):
        return _what_instead(head, suffix)
    return f"is damaged or cut off ({' '.join(str(error).split())[:80]}); replace or remove it"


def _too_large(name: str, n_pixels: list[str]) -> str:
    size = f"{int(n_pixels[0]) / 1e6:.0f} megapixels" if n_pixels else "too many pixels"
    return f"{name} has {size}; at most {MAX_PIXELS // 1_000_000} are read. Make it smaller or remove it."


def _is_signature(head: bytes) -> bool:
    return (
        head.startswith(_SIGNATURES)
        or (head[:4] == b"RIFF" and head[8:12] == b"WEBP")
        or (head[:1] == b"P" and head[1:2] in b"123456" and head[2:3].isspace())
        or (head[4:8] == b"ftyp" and b"avif" in head)
    )


def _what_instead(head: bytes, suffix: str) -> str:
    if not head:
        return "is an empty file; replace or remove it"
    if suffix == ".svg" or head.lstrip().startswith((b"<svg", b"<?xml")):
        return "is an SVG drawing, not a photo; export it as PNG"
    if head[4:8] == b"ftyp":
        return "is a HEIC or video file, which cannot be read; convert it to JPEG"
    if head.startswith((b"%PDF", b"%!PS")):
        return "is a PDF or PostScript document; export it as PNG"
    if all(32 <= byte < 127 or byte in b"\t\r\n" for byte in head):
        return "holds text, not an image; replace or remove it"
    return "is not an image that can be read (JPEG, PNG, GIF, BMP, WebP, TIFF); convert it to JPEG or remove it"
