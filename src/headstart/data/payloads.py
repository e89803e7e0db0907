"""Records that came over a wire, as JSON Lines or a delimited table: the values of the fields are taken out of them.

What a body would become is counted in its bytes, or while it is read, so that one of a few megabytes cannot become gigabytes of
objects or seconds of work.
"""

from __future__ import annotations

import io
import json
import re
from itertools import islice
from typing import IO, TYPE_CHECKING, Any, TypeVar

from headstart.core.errors import DataError
from headstart.data.input_names import input_name, other_column_notice
from headstart.data.modalities import Row
from headstart.data.readers.delimited import DelimitedText
from headstart.data.readers.layout import find_layout

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from headstart.data.modalities import Modality
    from headstart.data.readers.layout import Layout

MAX_VALUES = 400_000
"""Values of one body of JSON, or cells of a table: what reads it makes an object of each."""

T = TypeVar("T")
_SNIFFED_BYTES = 1 << 20
_OUTSIDE_STRINGS = re.compile(rb'([^"]*)(?:"[^"]*"?)?')


class OversizedError(DataError):
    """A body that would become more objects, or more items, than one request may have."""


def pick(record: Mapping[str, Any], modality: Modality, learnt: str = "", *, shown: str = "a record") -> Any:
    """Take the value of a field out of a record, by the rule of `input_name`; of rows, the fields by their names.

    Parameters
    ----------
    learnt : the column that the model learnt from
    shown : what the record is called in messages

    Raises
    ------
    DataError
        It has no such key, and more than one other.

    >>> from headstart.data.modalities import get_modality
    >>> pick({"id": 7, "text": "late again"}, get_modality("text"), "message")
    'late again'
    """
    if isinstance(modality, Row):
        return modality.pick(record)
    if learnt in record:
        return record[learnt]
    names = {str(name): name for name in record}
    return record[names[input_name([*names], modality, learnt, shown)]]


def known_keys(modality: Modality, column: str | None) -> list[str]:
    """The keys under which a record holds what is read, the likeliest first; of rows all that it must have."""
    if isinstance(modality, Row):
        return [*modality.modalities]
    return [*([column] if column else ()), "item", *modality.column_names]


def read_value(one: Any, modality: Modality, column: str = "") -> Any:
    """Take the value out of what stands for one item in JSON: a value, or a record; a record without it is its error.

    A record that stands for a row is given whole: `Row.receive` says what it lacks, and what it should not have.

    >>> from headstart.data.modalities import get_modality
    >>> read_value({"text": "late again"}, get_modality("text"))
    'late again'
    """
    if not isinstance(one, dict) or isinstance(modality, Row):
        return one
    try:
        return pick(one, modality, column)
    except DataError as error:
        return error


def read_json_rows(body: bytes, modality: Modality, column: str, max_rows: int) -> list[Any]:
    r"""Values of JSON Lines, an object or a bare value a line; a line that cannot be read is its error.

    Raises
    ------
    OversizedError
        It has more than `max_rows` lines that are not empty, or too many values.

    >>> from headstart.data.modalities import get_modality
    >>> read_json_rows(b'{"text": "a"}\n"b"\n', get_modality("text"), "", 9)
    ['a', 'b']
    """
    check_json_size(body)
    lines = (line for line in io.BytesIO(body) if not line.isspace())
    return [_json_row(line, modality, column) for line in _at_most(max_rows, lines)]


def read_delimited_rows(
    body: bytes,
    separator: str | None,
    modality: Modality,
    column: str,
    max_rows: int,
    *,
    tell: Callable[[str], None] = lambda message: None,  # noqa: ARG005
) -> list[Any]:
    r"""Values of the rows below a header line; a row that does not fit the header is its error.

    Parameters
    ----------
    separator : found by a look at the first rows, if not given
    tell : is told where another column is read than the one that the model learnt from

    Raises
    ------
    DataError
        It is not UTF-8, has no header, two columns of one name, or a quote that is not closed; or no column is the modality's.
    OversizedError
        It has more than `max_rows` rows, or too many cells.

    >>> from headstart.data.modalities import get_modality
    >>> read_delimited_rows(b"id;text\n7;late again\n", None, get_modality("text"), "", 9)
    ['late again']
    """

    def opened() -> IO[str]:
        return io.TextIOWrapper(io.BytesIO(body), encoding="utf-8-sig", newline="")

    def beginning() -> IO[str]:  # one line can be millions of cells, which looking for the separator would make objects
        lines = body[:_SNIFFED_BYTES].rpartition(b"\n")[0] if len(body) > _SNIFFED_BYTES else body
        content = io.BytesIO(lines or body[:_SNIFFED_BYTES])
        return io.TextIOWrapper(content, encoding="utf-8-sig", newline="", errors="replace")

    if is_json_object(body.lstrip(b"\xef\xbb\xbf \t\r\n").partition(b"\n")[0]):
        raise DataError(
            "the body is JSON Lines, not a table. Send it as application/jsonl, or send a header line and rows."
        )
    try:
        layout = find_layout(beginning, separator)
        if body.count(layout.separator.encode()) > MAX_VALUES:
            raise OversizedError(f"the table has more than {MAX_VALUES:,} cells. Send its rows in parts.")
        known = known_keys(modality, column)
        table = DelimitedText(opened, name="the table", shown="the table", layout=layout, known_columns=known)
        rows = _at_most(max_rows, table.checked_rows())
        if not isinstance(modality, Row):  # the column is the same in each row, and its name is known there
            taken = input_name(table.names, modality, column, "the table")
            for notice in other_column_notice(taken, table.names, modality, column, "the table"):
                tell(notice.message)
            column = taken
        return [_delimited_row(row, table.names, layout, modality, column) for row in rows]
    except UnicodeDecodeError as error:
        raise DataError(f"the table is not UTF-8 ({error.reason}). Send it in that encoding.") from error


def is_json_object(line: bytes) -> bool:
    r"""Whether a line is an object of JSON, which the header of no table is.

    >>> is_json_object(b'{"text": "late again"}'), is_json_object(b"text,label")
    (True, False)
    """
    if line[:1] != b"{":
        return False
    try:
        return isinstance(json.loads(line), dict)
    except (ValueError, RecursionError):
        return False


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


def _delimited_row(
    row: tuple[int, list[str], str], names: Sequence[str], layout: Layout, modality: Modality, column: str
) -> Any:
    number, cells, reason = row
    if reason:
        return DataError(f"row {number} {reason}. Put a cell that has a '{layout.separator}' in it in quotes.")
    return pick(dict(zip(names, cells, strict=True)), modality, column)


def _json_row(line: bytes, modality: Modality, column: str) -> Any:
    try:
        value = json.loads(line)
        return pick(value, modality, column) if isinstance(value, dict) else value
    except DataError as error:
        return error
    except (ValueError, RecursionError) as error:
        return DataError(f"the line is not JSON ({' '.join(str(error).split())[:60]}).")
