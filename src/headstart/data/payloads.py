"""Records that came over a wire, as JSON Lines or a delimited table: the values of the fields are taken out of them.

What a body would become is counted in its bytes, or while it is read, so that one of a few megabytes cannot become gigabytes of
objects or seconds of work.
"""

from __future__ import annotations

import csv
import io
import json
import re
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeVar

from headstart.core.errors import DataError
from headstart.data.modalities import Row

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from headstart.data.modalities import Modality


MAX_VALUES = 400_000
"""Values of one body of JSON, or cells of a table: what reads it makes an object of each."""

T = TypeVar("T")
_OUTSIDE_STRINGS = re.compile(rb'([^"]*)(?:"[^"]*"?)?')


class OversizedError(DataError):
    """A body that would become more objects, or more items, than one request may have."""


def pick(record: Mapping[str, Any], modality: Modality, column: str | None) -> Any:
    """Take the value of a field out of a record: `column`, else what is usually called so, else all that there is.

    Of rows, take the fields by their names.

    Raises
    ------
    DataError
        It has no such key.

    >>> from headstart.data.modalities import get_modality
    >>> pick({"id": 7, "text": "late again"}, get_modality("text"), "message")
    'late again'
    """
    if isinstance(modality, Row):
        return modality.pick(record)
    for key in (column, "item", *modality.column_names):
        if key is not None and key in record:
            return record[key]
    if len(record) == 1:
        return next(iter(record.values()))
    keys = ", ".join(f"'{key}'" for key in list(record)[:6])
    raise DataError(f"a record has no key '{column or modality.column_names[0]}' (its keys: {keys or 'none'}). Add it.")


def read_value(one: Any, modality: Modality, column: str | None) -> Any:
    """Take the value out of what stands for one item in JSON: a value, or a record; a record without it is its error.

    A record that stands for a row is given whole: `Row.receive` says what it lacks, and what it should not have.

    >>> from headstart.data.modalities import get_modality
    >>> read_value({"text": "late again"}, get_modality("text"), None)
    'late again'
    """
    if not isinstance(one, dict) or isinstance(modality, Row):
        return one
    try:
        return pick(one, modality, column)
    except DataError as error:
        return error


def read_json_rows(body: bytes, modality: Modality, column: str | None, max_rows: int) -> list[Any]:
    r"""Values of JSON Lines, an object or a bare value a line; a line that cannot be read is its error.

    Raises
    ------
    OversizedError
        It has more than `max_rows` lines that are not empty, or too many values.

    >>> from headstart.data.modalities import get_modality
    >>> read_json_rows(b'{"text": "a"}\n"b"\n', get_modality("text"), None, 9)
    ['a', 'b']
    """
    check_json_size(body)
    lines = (line for line in io.BytesIO(body) if not line.isspace())
    return [_json_row(line, modality, column) for line in _at_most(max_rows, lines)]


def read_delimited_rows(
    body: bytes, separator: str, modality: Modality, column: str | None, max_rows: int
) -> list[Any]:
    r"""Values of the rows below a header line.

    Raises
    ------
    DataError
        It is not UTF-8, has no header, or a row that cannot be read.
    OversizedError
        It has more than `max_rows` rows, or too many cells.

    >>> from headstart.data.modalities import get_modality
    >>> read_delimited_rows(b"id,text\n7,late again\n", ",", get_modality("text"), None, 9)
    ['late again']
    """
    if body.count(separator.encode()) > MAX_VALUES:
        raise OversizedError(f"the table has more than {MAX_VALUES:,} cells. Send its rows in parts.")
    text = io.TextIOWrapper(io.BytesIO(body), encoding="utf-8-sig", newline="")
    try:
        rows = csv.DictReader(text, delimiter=separator, strict=True)
        return [_delimited_row(row, modality, column) for row in _at_most(max_rows, rows)]
    except (UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"the table cannot be read ({error}). Send UTF-8 with a header line.") from error


def check_json_size(body: bytes | memoryview) -> None:
    """Count the values of JSON in its bytes, before one of them is made.

    Raises
    ------
    OversizedError
        There are more than `MAX_VALUES`.

    >>> check_json_size(b'{"items": ["as many, many, many commas as you like"]}')
    """
    content = bytes(body)
    if _n_values(content) <= MAX_VALUES:
        return
    n_values = 0  # commas and brackets within strings are none of its values
    for part in _OUTSIDE_STRINGS.finditer(content.replace(rb"\\", b"").replace(rb"\"", b"")):
        n_values += _n_values(part[1])
        if n_values > MAX_VALUES:
            raise OversizedError(
                f"the JSON has more than {MAX_VALUES:,} values. Send fewer at once, or numbers as raw bytes (Protocol V2)."
            )


def _n_values(content: bytes) -> int:
    return content.count(b",") + content.count(b"[") + content.count(b"{")


def _at_most(max_rows: int, rows: Iterator[T]) -> Iterator[T]:
    yield from islice(rows, max_rows)
    if next(rows, None) is not None:
        raise OversizedError(f"more than {max_rows} items came; at most {max_rows} may. Send them in parts.")


def _delimited_row(row: Mapping[Any, Any], modality: Modality, column: str | None) -> Any:
    return pick({k: v or "" for k, v in row.items() if k is not None}, modality, column)


def _json_row(line: bytes, modality: Modality, column: str | None) -> Any:
    try:
        value = json.loads(line)
        return pick(value, modality, column) if isinstance(value, dict) else value
    except DataError as error:
        return error
    except (ValueError, RecursionError) as error:
        return DataError(f"the line is not JSON ({' '.join(str(error).split())[:60]}).")
