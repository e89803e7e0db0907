"""Records that came over a wire, as JSON Lines or a delimited table: the values of the fields are taken out of them."""

from __future__ import annotations

import csv
import io
import json
from typing import TYPE_CHECKING, Any

from headstart.core.errors import DataError
from headstart.data.modalities import Row

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from headstart.data.modalities import Modality


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


def read_json_rows(body: bytes, modality: Modality, column: str | None) -> list[Any]:
    r"""Values of JSON Lines, an object or a bare value a line; a line that cannot be read is its error.

    >>> from headstart.data.modalities import get_modality
    >>> read_json_rows(b'{"text": "a"}\n"b"\n', get_modality("text"), None)
    ['a', 'b']
    """
    return [_json_row(line, modality, column) for line in body.splitlines() if line.strip()]


def read_delimited_rows(body: bytes, separator: str, modality: Modality, column: str | None) -> list[Any]:
    r"""Values of the rows below a header line.

    Raises
    ------
    DataError
        It is not UTF-8, has no header, or a row that cannot be read.

    >>> from headstart.data.modalities import get_modality
    >>> read_delimited_rows(b"id,text\n7,late again\n", ",", get_modality("text"), None)
    ['late again']
    """
    try:
        rows: Sequence[Mapping[Any, Any]] = list(
            csv.DictReader(io.StringIO(body.decode("utf-8-sig"), newline=""), delimiter=separator, strict=True)
        )
    except (UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"the table cannot be read ({error}). Send UTF-8 with a header line.") from error
    return [_delimited_row(row, modality, column) for row in rows]


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
