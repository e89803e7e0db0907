"""Following: new data, or a log of answers, go through a monitor, part by part."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from headstart.core.errors import MissingColumnError, NothingReadableError
from headstart.data.field_columns import columns_of
from headstart.data.given import is_table
from headstart.data.items import STDIN, read_items, tables_of
from headstart.data.payloads import known_keys
from headstart.data.readers.parts import open_folder
from headstart.data.readers.tables import is_table_file, named_path, open_memory, open_table
from headstart.monitoring.answer_log import read_log
from headstart.packaging.labelled import load_for

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from headstart.core.dataset import Dataset
    from headstart.data.readers.columns import TableSource
    from headstart.engines.context import RunContext
    from headstart.monitoring.monitor import Monitor
    from headstart.packaging import Bundle

_BATCH = 512


def has_target(model: Bundle, data: Any) -> bool:
    """Whether a file or folder of tables has the column that the model predicts; a folder of classes has, too."""
    target = model.manifest["columns"].get("target")
    table = _table_of(data)
    if table is not None:
        return target in table.names
    path = Path(data) if isinstance(data, str | Path) else None
    return (
        path is not None and path.is_dir() and {one.name for one in path.iterdir() if one.is_dir()} >= set(model.labels)
    )


def _table_of(data: Any, known_columns: Sequence[str] = ()) -> TableSource | None:
    """The table that a path names, or a frame is; None of anything else."""
    if not isinstance(data, str | Path):
        return open_memory(data) if is_table(data) else None
    if data == STDIN:
        return None
    path = named_path(data)
    if path.is_dir():
        return open_folder(path)
    return open_table(path, known_columns=known_columns) if is_table_file(path) else None


def _lacking(model: Bundle, data: Any) -> str:
    """What is said of a table without a column that the model reads; '' where all are there."""
    if isinstance(data, str | Path) and Path(data).is_dir() and tables_of(Path(data), model.reads) is None:
        return ""
    table = _table_of(data, known_keys(model.reads, model.input_column))
    try:
        if table is not None:
            columns_of(table, model.reads, None, model.input_column)
    except MissingColumnError as error:
        return str(error)
    return ""


def follow_data(monitor: Monitor, model: Bundle, data: Any, context: RunContext) -> None:
    """Answer and observe new records; columns that lack, or records of which none can be read, are a break of their quality."""
    dataset: Dataset | None = None
    if lacking := _lacking(model, data):
        monitor.quality.wrong_schema(lacking)
        return
    if has_target(model, data):
        dataset = load_for(model, data)
        items: Sequence[Any] = dataset.items
    else:
        try:
            read = read_items(data, modality=model.reads, learnt=model.input_column, max_unreadable=1.0)
        except NothingReadableError as error:  # whoever sends them has broken something, which is what a watch is for
            monitor.quality.see([], n_unreadable=error.n_items, outside={})
            return
        items = read.items
        monitor.quality.see([], n_unreadable=len(read.unreadable), outside={})
    for part in _parts(len(items)):
        chosen = taken(items, np.arange(part.start, part.stop))
        rows = model.outputs(chosen, context=context)
        readable = [i for i in range(len(chosen)) if i not in rows.errors]
        kept_items = chosen if len(readable) == len(chosen) else taken(chosen, np.array(readable, int))
        first = monitor.n_records
        monitor.observe(None, kept_items, rows.values[readable])
        monitor.quality.see([], n_unreadable=len(chosen) - len(readable), outside={})
        if dataset is not None:
            names = [_label_of(dataset, part.start + i) for i in readable]
            monitor.label([str(first + i + 1) for i in range(len(readable))], names)


def _label_of(dataset: Dataset, row: int) -> Any:
    target = dataset.targets[row]
    if not dataset.task_spec.has_probabilities:
        return float(target[0])
    names = [dataset.labels[i] for i in np.flatnonzero(target)]
    return names if dataset.task_spec.is_multi_label else names[0]


def follow_log(monitor: Monitor, folder: Path, *, version: str | None = None) -> None:
    """Observe the answers of a log since the last that was seen; with a version, those of it that come before any other's."""
    n_outputs, after = len(monitor.reference.labels), monitor.quality.gaps.last_time
    for records, outputs in read_log(folder, n_outputs, after=after, version=version):
        for part in _parts(len(records)):
            monitor.observe(records[part], None, outputs[part])


def _parts(n: int) -> Iterator[slice]:
    return (slice(start, min(start + _BATCH, n)) for start in range(0, n, _BATCH))


def taken(items: Sequence[Any], places: Any) -> Sequence[Any]:
    """The items at some places."""
    take = getattr(items, "take", None)
    return take(places) if take is not None else [items[i] for i in places]
