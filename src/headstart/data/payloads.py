"""Records that came over a wire, as JSON Lines or a delimited table: the values of the fields are taken out of them."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING, Any

from headstart.core.errors import DataError
from headstart.data.modalities import Row
from headstart.data.readers.delimited import DelimitedText

if TYPE_CHECKING:
    from collections.abc import Mapping

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
    for key in known_keys(modality, column):
        if key in record:
            return record[key]
    if len(record) == 1:
        return next(iter(record.values()))
    keys = ", ".join(f"'{key}'" for key in list(record)[:6])
    raise DataError(f"a record has no key '{column or modality.column_names[0]}' (its keys: {keys or 'none'}). Add it.")


def known_keys(modality: Modality, column: str | None) -> list[str]:
    """The keys under which a record holds what is read, the likeliest first; of rows all that it must have."""
    if isinstance(modality, Row):
        return [*modality.modalities]
    return [*([column] if column else ()), "item", *modality.column_names]


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


def read_delimited_rows(body: bytes, separator: str | None, modality: Modality, column: str | None) -> list[Any]:
    r"""Values of the rows below a header line; a row that does not fit the header is its error.

    Parameters
    ----------
    separator : found by a look at the first rows, if not given

    Raises
    ------
    DataError
        It is not UTF-8, has no header, two columns of one name, or a quote that is not closed; or no column is the modality's.

    >>> from headstart.data.modalities import get_modality
    >>> read_delimited_rows(b"id;text\n7;late again\n", None, get_modality("text"), None)
    ['late again']
    """
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError(f"the table is not UTF-8 ({error.reason}). Send it in that encoding.") from error
    table = DelimitedText(
        lambda: io.StringIO(text, newline=""),
        name="the table",
        shown="the table",
        separator=separator,
        known_columns=known_keys(modality, column),
    )
    return [
        DataError(f"row {number} {reason}. Put a cell that has a '{table.separator}' in it in quotes.")
        if reason
        else pick(dict(zip(table.names, cells, strict=True)), modality, column)
        for number, cells, reason in table.checked_rows()
    ]


def _json_row(line: bytes, modality: Modality, column: str | None) -> Any:
    try:
        value = json.loads(line)
        return pick(value, modality, column) if isinstance(value, dict) else value
    except DataError as error:
        return error
    except (ValueError, RecursionError) as error:
        return DataError(f"the line is not JSON ({' '.join(str(error).split())[:60]}).")
