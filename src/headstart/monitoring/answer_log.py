"""Read a server's prediction log: Parquet files of times and outputs, in the order of time."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

import numpy as np

from headstart.core.errors import DataError, first_line, require
from headstart.streaming.record import Record

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from headstart.core.arrays import FloatArray

_COLUMNS = ["time", "item", "outputs"]
_LATER = ["key", "content"]  # logs of older versions have none


def read_log(
    folder: Path, n_outputs: int, *, after: float | None = None, version: str | None = None
) -> Iterator[tuple[list[Record], FloatArray]]:
    """Give records and their outputs, shape (n, k), file by file.

    A key is the record's own, or the hash of its item in hex; the content is the item where the log holds it.

    Parameters
    ----------
    n_outputs : of the model; rows of others are refused
    after : seconds since 1970; rows until then were seen before
    version : of the model: only its rows, and only until the first row of another; None for all

    Raises
    ------
    DataError
        There is no log, or a file of it is damaged or another model's.
    MissingExtraError
        pyarrow is not installed.
    """
    paths = log_files(folder)
    if not paths:
        raise DataError(
            f"'{folder}' holds no prediction log: files predictions-….parquet, as 'headstart serve --prediction-log' writes them."
        )
    for path in paths:
        records, outputs, versions = _read(path, n_outputs, after)
        others = (i for i, one in enumerate(versions) if version is not None and one != version)
        n = next(others, len(records))
        if n:
            yield records[:n], outputs[:n]
        if n < len(records):
            return


def log_files(folder: Path) -> list[Path]:
    """The files of a log, oldest first."""
    return sorted(folder.glob("predictions-*.parquet")) if folder.is_dir() else []


def read_file(path: Path, n_outputs: int, *, after: float | None = None) -> tuple[list[Record], FloatArray]:
    """Read one file of a log; arguments and errors as for `read_log`."""
    records, outputs, _ = _read(path, n_outputs, after)
    return records, outputs


def _read(path: Path, n_outputs: int, after: float | None) -> tuple[list[Record], FloatArray, list[str]]:
    """The records of a file, their outputs, and the version of the model that gave each; no versions where the file has none."""
    require("pyarrow.parquet", extra="telemetry", purpose="reading a prediction log")
    from pyarrow import parquet

    try:
        names = parquet.read_schema(path).names
        table = parquet.read_table(path, columns=[*_COLUMNS, *(one for one in (*_LATER, "version") if one in names)])
    except Exception as error:  # whatever Arrow raises of a damaged file
        raise DataError(f"'{path}' is no readable part of a prediction log ({first_line(error)}).") from error
    times = table["time"].cast("int64").to_numpy() / 1000.0
    outputs = table["outputs"].to_pylist()
    widths = {len(row) for row in outputs}
    if widths - {n_outputs}:
        raise DataError(
            f"'{path}' has answers with {max(widths - {n_outputs})} outputs; the model has {n_outputs}. Name the log of this model alone."
        )
    order = [int(i) for i in np.argsort(times, kind="stable") if after is None or times[i] > after]
    hashes = table["item"].to_pylist()
    keys, contents = (
        table[name].to_pylist() if name in table.column_names else [None] * len(hashes) for name in _LATER
    )
    versions = table["version"].to_pylist() if "version" in table.column_names else []
    records = [Record(key=keys[i] or hashes[i].hex(), content=_item(contents[i]), time=float(times[i])) for i in order]
    rows = np.array([outputs[i] for i in order], np.float64).reshape(len(order), n_outputs)
    return records, rows, [versions[i] for i in order] if versions else []


def _item(content: str | None) -> Any:
    """What the model read, from its JSON."""
    return None if content is None else _plain(json.loads(content))


def _plain(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    if value.keys() == {"base64"}:
        return base64.b64decode(value["base64"])
    return {name: _plain(one) for name, one in value.items()}
