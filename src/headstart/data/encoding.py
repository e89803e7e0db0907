"""Find out in which encoding a text file is, and name what is no text."""

from __future__ import annotations

import codecs
from typing import TYPE_CHECKING

from headstart.core.dataset import Notice
from headstart.core.errors import DataError

if TYPE_CHECKING:
    from pathlib import Path

_CHUNK_BYTES = 1 << 20
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


def detect_encoding(path: Path) -> tuple[str, tuple[Notice, ...]]:
    """Name the encoding of a text file: by its mark, else UTF-8, else Windows-1252, else Latin-1.

    Returns
    -------
    The name for `open`, and a notice where it had to be guessed.

    Raises
    ------
    DataError
        The file is empty, cannot be opened, or is no text.
    """
    try:
        with path.open("rb") as file:
            start = file.read(4)
    except OSError as error:
        raise DataError(
            f"'{path}' cannot be opened ({error.strerror}). Correct the path or the permissions."
        ) from error
    if not start:
        raise DataError(f"'{path}' is empty; rows with a text or an image, and a label, were expected.")
    marked = next((name for mark, name in _MARKS if start.startswith(mark)), None)
    if marked:
        if not _decodes(path, marked):
            raise DataError(f"'{path}' is marked as {marked} but is damaged. Save it again as UTF-8.")
        return marked, ()
    if _decodes(path, "utf-8"):
        return "utf-8", ()
    guess = next(name for name in ("cp1252", "latin-1") if _decodes(path, name))  # latin-1 takes any byte
    message = f"'{path.name}' is not UTF-8; read as {guess}. If letters look wrong, save it as UTF-8."
    return guess, (Notice(kind="encoding", message=message, where=(path.name,)),)


def _decodes(path: Path, encoding: str) -> bool:
    decoder = codecs.getincrementaldecoder(encoding)()
    n_lines = 1
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            try:
                text = decoder.decode(chunk)
            except UnicodeDecodeError:
                return False
            if "\0" in text:
                line = n_lines + text[: text.index("\0")].count("\n")
                raise DataError(
                    f"'{path}' holds a NUL byte in line {line}: it is not plain text, or UTF-16 without its mark. "
                    "Save it as UTF-8."
                )
            n_lines += text.count("\n")
    try:
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True
