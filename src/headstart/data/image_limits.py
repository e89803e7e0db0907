"""What decoding a small file may cost: passes over a photo, pieces that are read one by one, processor time."""

from __future__ import annotations

import io
import re
import struct
import time

from headstart.core.errors import DataError

MAX_SCANS = 100  # encoders write 1 to about 20
MAX_STRIPS = 100_000
MAX_PIECES = 20_000  # segments, chunks and blocks that a decoder reads before the first pixel, each with some reads
BASE_S = 0.5
MEGAPIXEL_S = 0.2  # some ten times what the slowest ordinary format takes

_START_OF_SCAN = b"\xff\xda"
_END_OF_IMAGE = b"\xff\xd9"
# in the data of a scan, 0xFF is followed by 0 or by one of eight restart markers; 0xFF before a marker fills, and 0xFF01 stands alone
_MARKER = re.compile(rb"\xff[^\x00\x01\xd0-\xd7\xff]", re.DOTALL)
_TIFF = {b"II": "<", b"MM": ">"}
_STRIPS = (273, 324)  # tags: where the strips lie, and where the tiles do


class BoundedReader(io.BytesIO):
    """Bytes of an image, of which a decoder reads only so often and for so long.

    Decoders ask for a file piece by piece, so a piece that is refused stops them, which nothing else can on a thread.
    """

    def __init__(self, content: bytes) -> None:
        super().__init__(content)
        self._n_reads = 0
        self._max_reads: float = MAX_PIECES
        self._end_s = time.thread_time() + BASE_S

    def allow(self, n_pixels: int) -> None:
        """Let the pixels be read, once their number is known."""
        self._max_reads = float("inf")
        self._end_s = time.thread_time() + BASE_S + MEGAPIXEL_S * n_pixels / 1e6

    def read(self, size: int | None = -1, /) -> bytes:
        """Read as any file, within the limits.

        Raises
        ------
        DataError
            One is exceeded.
        """
        self._n_reads += 1
        if self._n_reads > self._max_reads:
            raise DataError("the image consists of too many pieces. Save it again with another program, or remove it.")
        if time.thread_time() > self._end_s:
            raise DataError("the image takes too long to decode. Save it again in another format, or remove it.")
        return super().read(size)


def excess_of(content: bytes) -> str | None:
    """What is excessive in an encoded image, to be read after its name; nothing is decoded."""
    if content[:2] == b"\xff\xd8" and _has_too_many_scans(content):
        return f"has more than {MAX_SCANS} scans, which no camera or program writes; save it again or remove it"
    if content[:2] in _TIFF and _n_strips(content) > MAX_STRIPS:
        return f"has more than {MAX_STRIPS:,} strips, which no program writes; save it again or remove it"
    return None


def _has_too_many_scans(jpeg: bytes) -> bool:
    r"""Whether decoding would go over the photo more often than any encoder asks for.

    >>> _has_too_many_scans(b"\xff\xd8" + 101 * b"\xff\xda\x00\x02" + b"\xff\xd9")
    True
    >>> _has_too_many_scans(b"\xff\xd8" + 101 * b"\xff\x01\xff\xda\x00\x02" + b"\xff\xd9")
    True
    """
    if jpeg.count(_START_OF_SCAN) <= MAX_SCANS:
        return False
    # the same two bytes may be in a thumbnail, a color profile, or a film behind the photo
    n_scans, position = 0, 2
    while found := _MARKER.search(jpeg, position):
        if found[0] == _END_OF_IMAGE:
            return False
        n_scans += found[0] == _START_OF_SCAN
        if n_scans > MAX_SCANS:
            return True
        length = int.from_bytes(jpeg[found.end() : found.end() + 2], "big")
        position = found.end() + max(2, length)
    return False


def _n_strips(tiff: bytes) -> int:
    """How many strips or tiles the first image of a TIFF says it has."""
    order = _TIFF[tiff[:2]]
    try:
        (version,) = struct.unpack_from(f"{order}H", tiff, 2)
        is_big = version == 43
        (start,) = struct.unpack_from(f"{order}Q" if is_big else f"{order}I", tiff, 8 if is_big else 4)
        (n_entries,) = struct.unpack_from(f"{order}Q" if is_big else f"{order}H", tiff, start)
        first, size = (start + 8, 20) if is_big else (start + 2, 12)
        entry = struct.Struct(f"{order}HHQ" if is_big else f"{order}HHI")
        entries = [entry.unpack_from(tiff, first + size * i) for i in range(min(n_entries, 1 << 16))]
    except (struct.error, OverflowError):
        return 0  # whoever reads it will say what is wrong with it
    return max((count for tag, _, count in entries if tag in _STRIPS), default=0)
