"""Write embeddings to a file: a row of `_WRITERS` for each format, chosen by suffix."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np

from headstart.core.errors import OptionError, require
from headstart.data.own_columns import own_columns
from headstart.storage.files import check_writable, replacing, storage_errors

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from headstart.features.embeddings import Embeddings

ITEM, EMBEDDING = "item", "embedding"


def check_output(path: Path) -> None:
    """Refuse a file that could not be written, before anything is computed.

    Raises
    ------
    OptionError
        The suffix is none of the known ones.
    MissingExtraError
        The library of that format is not installed.
    StorageError
        Nothing can be written there.
    """
    suffix = path.suffix.lower()
    if suffix not in _WRITERS:
        known = " or ".join(_WRITERS)
        raise OptionError(f"embeddings are written as {known}, but '{path}' was given. Name a file that ends in one.")
    if suffix == ".parquet":
        require("pyarrow.parquet", extra="train", purpose="writing Parquet")
    check_writable(path)


def default_max_unreadable(path: Path) -> float:
    """Fraction of items that may be set aside where nobody said: none of a file whose rows are known by position alone."""
    return 0.0 if path.suffix.lower() == ".npy" else 0.01


def write_embeddings(path: Path, embeddings: Embeddings) -> None:
    """Write embeddings beside `path` and rename them into place, whole or not at all.

    `.npy` is the array (n, d) of float32. `.parquet` has a column `item` of names, the user's own columns if the items came
    from one table, and `embedding`, a list of d float32 a row.

    Raises
    ------
    OptionError
        The suffix is none of the known ones.
    StorageError
        The disk is full or read-only, or permission is denied.
    """
    check_output(path)
    with replacing(path) as partial, storage_errors(path):
        _WRITERS[path.suffix.lower()](partial, embeddings)


def summary(path: Path, embeddings: Embeddings) -> dict[str, Any]:
    """Say what was written, in figures and in a sentence; of an array also which rows are missing."""
    n, d = embeddings.values.shape
    missing = [name for notice in embeddings.notices if notice.kind == "unreadable" for name in notice.where]
    sentence = f"{n:,} vectors of {d} dimensions by {embeddings.source.name} in {embeddings.seconds:.1f} s: {path}"
    if missing and path.suffix.lower() == ".npy":
        sentence += f"; it has no row for {', '.join(missing)}"
    return {
        "n": n,
        "dimensions": d,
        "source": embeddings.source.name,
        "seconds": round(embeddings.seconds, 3),
        "n_computed": embeddings.n_computed,
        "set_aside": missing,
        "file": str(path),
        "sentence": sentence,
    }


def _write_npy(path: Path, embeddings: Embeddings) -> None:
    with path.open("wb") as file:
        np.save(file, embeddings.values)


def _write_parquet(path: Path, embeddings: Embeddings) -> None:
    import pyarrow as pa
    import pyarrow.parquet

    n, d = embeddings.values.shape
    names = list(embeddings.ids)
    columns: dict[str, Any] = {ITEM: pa.array(names, pa.string())}
    if embeddings.table is not None:
        own = own_columns(embeddings.table, names)
        columns |= {name: _array(cells) for name, cells in own.items() if name not in (ITEM, EMBEDDING)}
    # one list column, not d columns: what readers of vectors take, and a table of 1280 columns is slow to open
    columns[EMBEDDING] = pa.FixedSizeListArray.from_arrays(pa.array(embeddings.values.reshape(n * d)), d)
    source = {"name": embeddings.source.name, "digest": embeddings.source.digest, "dimensions": d}
    made = pa.table(columns).replace_schema_metadata({"headstart.source": json.dumps(source)})
    pyarrow.parquet.write_table(made, path)


def _array(cells: Sequence[Any]) -> Any:
    import pyarrow as pa

    try:
        return pa.array(cells)
    except pa.ArrowException:  # JSON Lines may hold a number here and a word there
        return pa.array([None if cell is None else str(cell) for cell in cells], pa.string())


_WRITERS = {".npy": _write_npy, ".parquet": _write_parquet}
