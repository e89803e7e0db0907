"""Items that came over a wire: texts, or the bytes of encoded images. Never a path: nobody may name files of this machine."""

from __future__ import annotations

import base64
import binascii
import csv
import io
import json
from typing import TYPE_CHECKING, Any

from headstart.core.errors import DataError
from headstart.data.image import image_size
from headstart.data.schema import IMAGE_NAMES, TEXT_NAMES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from headstart.core.dataset import Modality


def received(value: Any, modality: Modality) -> Any:
    """Make an item of one value.

    Parameters
    ----------
    value : a text, as string or as UTF-8; an image, as the bytes of its file, in base64 where it is a string

    Raises
    ------
    DataError
        It is something else.

    >>> received("data:image/png;base64,aGk=", "image")
    b'hi'
    """
    if modality == "text":
        if isinstance(value, str):
            return value
        if not isinstance(value, bytes):
            raise DataError(f"a text was expected, but a {type(value).__name__} came. Send a string.")
        try:
            return value.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise DataError("the text is not UTF-8. Send it in that encoding.") from error
    if isinstance(value, bytes):
        return value
    if not isinstance(value, str):
        raise DataError(f"an image was expected, but a {type(value).__name__} came. Send its file in base64.")
    try:
        return base64.b64decode(value.rpartition(",")[2], validate=True)
    except (binascii.Error, ValueError) as error:
        raise DataError("the image is not base64. Send the bytes of its file in that encoding.") from error


def check_pixels(item: Any, max_pixels: int) -> None:
    """Refuse an encoded image by the size that its head claims, before it is decoded; other items pass.

    Raises
    ------
    DataError
        It has more than `max_pixels`, or no head that can be read.
    """
    if isinstance(item, bytes):
        width_px, height_px = image_size(item)
        if width_px * height_px > max_pixels:
            raise DataError(
                f"the image has {width_px * height_px / 1e6:.1f} megapixels; "
                f"at most {max_pixels / 1e6:g} are read here. Make it smaller."
            )


def pick(record: Mapping[str, Any], modality: Modality, column: str | None) -> Any:
    """Take the text or the image out of a record: `column`, else what is usually called so, else all that there is.

    Raises
    ------
    DataError
        It has no such key.

    >>> pick({"id": 7, "text": "late again"}, "text", "message")
    'late again'
    """
    known = (column, "item", *(IMAGE_NAMES if modality == "image" else TEXT_NAMES))
    for key in known:
        if key in record:
            return record[key]
    if len(record) == 1:
        return next(iter(record.values()))
    keys = ", ".join(f"'{key}'" for key in list(record)[:6])
    raise DataError(f"a record has no key '{column or known[2]}' (its keys: {keys or 'none'}). Add it.")


def read_json_rows(body: bytes, modality: Modality, column: str | None) -> list[Any]:
    r"""Values of JSON Lines, an object or a bare value a line; a line that cannot be read is its error.

    >>> read_json_rows(b'{"text": "a"}\n"b"\n', "text", None)
    ['a', 'b']
    """
    return [_json_row(line, modality, column) for line in body.splitlines() if line.strip()]


def read_delimited_rows(body: bytes, separator: str, modality: Modality, column: str | None) -> list[Any]:
    r"""Values of the rows below a header line.

    Raises
    ------
    DataError
        It is not UTF-8, has no header, or a row that cannot be read.

    >>> read_delimited_rows(b"id,text\n7,late again\n", ",", "text", None)
    ['late again']
    """
    try:
        rows: Sequence[Mapping[Any, Any]] = list(
            csv.DictReader(io.StringIO(body.decode("utf-8-sig"), newline=""), delimiter=separator, strict=True)
        )
    except (UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"the table cannot be read ({error}). Send UTF-8 with a header line.") from error
    return [pick({k: v for k, v in row.items() if k is not None}, modality, column) or "" for row in rows]


def _json_row(line: bytes, modality: Modality, column: str | None) -> Any:
    try:
        value = json.loads(line)
        return pick(value, modality, column) if isinstance(value, dict) else value
    except DataError as error:
        return error
    except (ValueError, RecursionError) as error:
        return DataError(f"the line is not JSON ({' '.join(str(error).split())[:60]}).")
