"""Images of any kind become upright RGB photos."""

from __future__ import annotations

import re
import struct
import warnings
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from headstart.core.errors import DataError
from headstart.data.image_limits import BoundedReader, excess_of
from headstart.data.pixels import as_rgb, deep_grey, full_scale, numbers_of
from headstart.data.shown_names import existing_form

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
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
_BAND_PIXELS = 1_000_000
_ADDRESS = re.compile(r" ?<[\w.]+ object at 0x[0-9a-f]+>")  # a file in memory, as Pillow's messages name it


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
    with _reasons(content, "the image"), _opened(content, "the image") as image:
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
    except (OSError, SyntaxError, ValueError, EOFError, IndexError, TypeError, RuntimeError, struct.error) as error:
        raise DataError(f"{name} {_reason(item, error)}.") from error
    except (_pillow().DecompressionBombError, _pillow().DecompressionBombWarning) as error:
        raise DataError(_too_large(name, re.findall(r"\d+", str(error))[:1])) from error


def _decode(item: Any, name: str, min_px: int | None) -> Image:
    with _opened(item, name) as image:
        if image.width * image.height > MAX_PIXELS:
            raise DataError(_too_large(name, [str(image.width * image.height)]))
        if min_px is not None:
            image.draft("RGB", (min_px, min_px))
        return _as_photo(image)


@contextmanager
def _opened(item: Any, name: str) -> Iterator[Image]:
    """Open an image of which decoding stays within limits; only its head is decoded."""
    is_content = isinstance(item, bytes | bytearray | memoryview)
    content = bytes(item) if is_content else _on_disk(item).read_bytes()
    excess = excess_of(content)
    if excess is not None:
        raise DataError(f"{name} {excess}.")
    reader = BoundedReader(content)
    with _pillow().open(reader, formats=_known_formats()) as image:
        reader.allow(image.width * image.height)
        yield image


def _on_disk(item: str | Path) -> Path:
    """The path in the Unicode form that the disk has; looked for only where letters have two forms."""
    return Path(item) if str(item).isascii() else existing_form(Path(item))


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
        largest = max(float(numbers_of(np.asarray(band)).max()) for _, band in _bands(image))
        white = full_scale(largest, is_integer=image.mode.startswith("I"))
        return _by_bands(image, lambda band: _from_array(deep_grey(np.asarray(band), white)))
    if image.mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in image.info:
        return _on_white(image)
    return image.convert("RGB")


def _on_white(image: Image) -> Image:
    """Lay a transparent image on white."""

    def laid(band: Image) -> Image:
        band = band.convert("RGBA")
        return _pillow().alpha_composite(_pillow().new("RGBA", band.size, _WHITE), band)

    return _by_bands(image, laid)


def _by_bands(image: Image, convert: Callable[[Image], Image]) -> Image:
    """Convert an image some rows at a time: whole, it would be in memory several times, and wider than it is."""
    photo: Image = _pillow().new("RGB", image.size)
    for top, band in _bands(image):
        photo.paste(convert(band).convert("RGB"), (0, top))
    return photo


def _bands(image: Image) -> Iterator[tuple[int, Image]]:
    """The rows of an image, so many at a time as are a few megabytes, and where they begin."""
    height = max(1, _BAND_PIXELS // image.width)
    for top in range(0, image.height, height):
        yield top, image.crop((0, top, image.width, min(top + height, image.height)))


def _from_array(array: np.ndarray[Any, Any]) -> Image:
    image: Image = _pillow().fromarray(as_rgb(array))
    return image


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
    return f"is damaged or cut off ({' '.join(_ADDRESS.sub('', str(error)).split())[:80]}); replace or remove it"


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
