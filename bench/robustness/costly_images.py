"""Small files of photos that would cost a decoder much: scans, chunks, blocks, strips, runs, and merely many pixels."""

from __future__ import annotations

import io
import struct
import zlib
from typing import TYPE_CHECKING, Any

from PIL import Image

if TYPE_CHECKING:
    from collections.abc import Callable

SCAN = b"\xff\xda"


def encoded(format_name: str, mode: str, side_px: int, **options: Any) -> bytes:
    """A photo of one color."""
    file = io.BytesIO()
    Image.new(mode, (side_px, side_px), 128).save(file, format_name, **options)
    return file.getvalue()


def jpeg_of_scans(n_scans: int, side_px: int) -> bytes:
    """A progressive JPEG of which the second scan, some hundred bytes, is there again and again."""
    head, first, second, _ = encoded("JPEG", "L", side_px, progressive=True, quality=50).split(SCAN, 3)
    return head + SCAN + first + (SCAN + second) * n_scans + b"\xff\xd9"


def png_of_chunks(n_chunks: int) -> bytes:
    """A PNG with chunks of one letter behind its pixels."""
    png, text = encoded("PNG", "L", 64), b"tEXta\0b"
    chunk = struct.pack(">I", len(text) - 4) + text + struct.pack(">I", zlib.crc32(text))
    end = png.index(b"IEND") - 4
    return png[:end] + chunk * n_chunks + png[end:]


def jpeg_of_segments(n_segments: int) -> bytes:
    """A JPEG with empty segments before its pixels."""
    jpeg = encoded("JPEG", "L", 64)
    return jpeg[:2] + b"\xff\xe1\0\2" * n_segments + jpeg[2:]


def tiff_of_strips(n_strips: int) -> bytes:
    """A TIFF one pixel wide, with a strip a row."""
    entries = [(256, 1), (257, n_strips), (258, 8), (259, 1), (262, 1), (273, 200), (278, 1), (279, 200)]
    tags = [struct.pack("<HHII", tag, 4, n_strips if tag in (273, 279) else 1, value) for tag, value in entries]
    return b"II*\0" + struct.pack("<IH", 8, len(tags)) + b"".join(tags) + bytes(4 + 8 * n_strips)


def bmp_of_runs(side_px: int) -> bytes:
    """A run-length encoded BMP of runs of one pixel, which Pillow reads in Python."""
    runs = b"\1\1" * side_px**2
    sizes = struct.pack("<IiiHHIIiiII", 40, side_px, side_px, 1, 8, 1, len(runs), 0, 0, 256, 0)
    return b"BM" + struct.pack("<IHHI", 54 + 1024 + len(runs), 0, 0, 54 + 1024) + sizes + bytes(1024) + runs


COSTLY: dict[str, Callable[[], bytes]] = {
    "1,600 scans": lambda: jpeg_of_scans(1_600, 7_000),
    "100 scans, 49 megapixels": lambda: jpeg_of_scans(90, 7_000),
    "2 million chunks": lambda: png_of_chunks(2_000_000),
    "5 million segments": lambda: jpeg_of_segments(5_000_000),
    "2 million strips": lambda: tiff_of_strips(2_000_000),
    "2 million runs": lambda: bmp_of_runs(1_400),
    "49 megapixels, transparent": lambda: encoded("PNG", "LA", 7_000),
}
"""Each a few megabytes at most, by what there is too much of."""
