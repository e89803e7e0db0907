"""Watch: a bundle's log of answers, or new data, compared with what the model was proven on."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from headstart.core.errors import BundleError, DataError, MissingColumnError, OptionError
from headstart.data.field_columns import columns_of
from headstart.data.given import is_table
from headstart.data.items import STDIN, read_items, tables_of
from headstart.data.payloads import known_keys
from headstart.data.readers.parts import open_folder
from headstart.data.readers.tables import is_table_file, named_path, open_memory, open_table
from headstart.engines.context import RunContext
from headstart.monitoring import state as kept
from headstart.monitoring.answer_log import read_log
from headstart.monitoring.budget import FalseAlarms
from headstart.monitoring.label_store import LabelStore, read_label_rows
from headstart.monitoring.monitor import Monitor
from headstart.monitoring.reference import ARRAYS_NAME, JSON_NAME, Reference
from headstart.monitoring.referring import make_reference
from headstart.packaging import Bundle, load_bundle
from headstart.packaging.labelled import known_to, load_for
from headstart.storage.files import check_folder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from headstart.core.arrays import FloatArray
    from headstart.core.dataset import Dataset
    from headstart.data.readers.columns import TableSource
    from headstart.engines.reporters import ProgressOutput
    from headstart.monitoring.verdict import WatchVerdict

DEFAULT_BUDGET = "1/100000"
_BATCH = 512
_SQLITE = b"SQLite format 3\0"


def watch(
    bundle: str | Path | Bundle,
    *,
    live: Any = None,
    log: str | Path | None = None,
    labels: str | Path | None = None,
    reference: Any = None,
    false_alarms: str = DEFAULT_BUDGET,
    rate: str | None = None,
    state: str | Path | None = None,
    trust: Any = None,
    trust_graphs: bool | None = None,
    progress: ProgressOutput = None,
) -> WatchVerdict:
    """Look at records since the model was proven, and say whether anything moved.

    Parameters
    ----------
    live : new records in their order, as `headstart.load` or `predict` take them; where the target column is there, labels count too
    log : a folder of the server's prediction log instead: answers without their items
    labels : a CSV file of a key and a label a row, or the store of `headstart label`; keys are numbers of records from 1, of a log the
        record's key or the item's hash in hex
    reference : data to compare with instead of what the bundle holds; labelled where it has the target column
    false_alarms, rate : the budget, as `FalseAlarms.parse` takes it
    state : a folder in which the watch is kept, and goes on from; None to begin anew
    trust, trust_graphs : as in `load_bundle`

    Raises
    ------
    OptionError
        Neither `live` nor `log` is given, or both.
    BundleError
        The bundle holds no reference, and none is given.
    """
    if (live is None) == (log is None):
        raise OptionError(
            "name what to watch: --live DATA (new records) or --log DIR (a prediction log), one of the two."
        )
    if state is not None:
        check_folder(state, "state")
    model = bundle if isinstance(bundle, Bundle) else load_bundle(bundle, trust=trust, trust_graphs=trust_graphs)
    context = RunContext.default(progress=progress)
    monitor = open_monitor(model, reference, FalseAlarms.parse(false_alarms, rate), state, context)
    if log is not None:
        _follow_log(monitor, Path(log))
    else:
        _follow_data(monitor, model, live, context)
    if labels is not None:
        monitor.label(*_read_labels(Path(labels)))
    if state is not None:
        kept.save(monitor, state)
    return monitor.verdict()


def open_monitor(
    model: Bundle, reference: Any, budget: FalseAlarms, state: str | Path | None, context: RunContext
) -> Monitor:
    """The monitor that a folder keeps, or a new one.

    Raises
    ------
    OptionError
        The folder keeps a watch of another model, or with another budget.
    """
    if state is None or not (Path(state) / kept.STATE_JSON).is_file():
        return new_monitor(model, reference, budget, context)
    monitor = kept.load(state, features_of=features_of(model))
    check_goes_on(monitor, model, budget, f"{state}", "--state")
    return monitor


def new_monitor(model: Bundle, reference: Any, budget: FalseAlarms, context: RunContext) -> Monitor:
    """A monitor that has seen nothing; arguments as for `watch`."""
    found = reference_of_bundle(model) if reference is None else reference_of_data(model, reference, context)
    return Monitor(found, budget, features_of=features_of(model))


def check_goes_on(monitor: Monitor, model: Bundle, budget: FalseAlarms, where: str, option: str) -> None:
    """Refuse a watch that was kept and is another one.

    Parameters
    ----------
    where : it was kept
    option : that names another place

    Raises
    ------
    OptionError
        It is of another model, or has another budget.
    """
    if monitor.false_alarms.records != budget.records:
        raise OptionError(
            f"the watch in {where} has another budget: {monitor.false_alarms.words}. Give the same, or name a new folder for {option}."
        )
    if monitor.reference.labels != model.labels:
        raise OptionError(f"the watch in {where} is of another model. Name a new folder for {option}.")


def features_of(model: Bundle) -> Callable[[Sequence[Any]], FloatArray] | None:
    """What gives features of items, where the bundle has a pretrained source to look at."""
    return model.features if gives_features(model) else None


def gives_features(model: Bundle) -> bool:
    """Whether the bundle has features of a pretrained source to look at."""
    return b"features" in model.graph and model.manifest.get("source", "none") != "none"


def reference_of_bundle(model: Bundle) -> Reference:
    """The reference that `fit` wrote.

    Raises
    ------
    BundleError
        There is none, for the bundle is older, or was made smaller since.
    """
    text, arrays = model.file(JSON_NAME), model.file(ARRAYS_NAME)
    if text is None or arrays is None:
        raise BundleError(
            f"the bundle '{model.name}' holds no reference to compare with: it was made by an older version, or made smaller since. "
            "Give --reference DATA: rows like those that it was fitted on, and not among them."
        )
    return Reference.from_files(text, arrays)


def reference_of_data(model: Bundle, data: Any, context: RunContext) -> Reference:
    """Make a reference of data that the model did not learn from."""
    embed = features_of(model)
    if has_target(model, data):
        dataset = known_to(model, load_for(model, data))
        items: Sequence[Any] = dataset.items
        targets = dataset.targets
    else:
        items, targets = read_items(data, modality=model.reads, learnt=model.input_column).items, None
    rows = model.outputs(items, context=context)
    good = np.array([i for i in range(len(items)) if i not in rows.errors])
    if not len(good):
        raise DataError(f"no record of '{data}' can be read: {next(iter(rows.errors.values()), 'it is empty')}.")
    taken = _taken(items, good)
    features = None if embed is None else embed(taken)
    return make_reference(
        task=model.task_spec,
        labels=model.labels,
        fields=model.fields,
        items=taken,
        outputs=rows.values[good],
        targets=None if targets is None else targets[good],
        features=features,
        blocks=[] if features is None else [(str(model.manifest["source"]), 0, features.shape[1])],
        decision_weights=None if model.decision is None else model.decision.weights,
        keep_case=model.label_rule.keep_case,
        made_of=f"{len(good):,} records of {data if isinstance(data, str | Path) else 'the data given'}",
    )


def _taken(items: Sequence[Any], places: Any) -> Sequence[Any]:
    take = getattr(items, "take", None)
    return take(places) if take is not None else [items[i] for i in places]


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


def _follow_data(monitor: Monitor, model: Bundle, data: Any, context: RunContext) -> None:
    dataset: Dataset | None = None
    if lacking := _lacking(model, data):
        monitor.quality.wrong_schema(lacking)
        return
    if has_target(model, data):
        dataset = load_for(model, data)
        items: Sequence[Any] = dataset.items
    else:
        read = read_items(data, modality=model.reads, learnt=model.input_column, max_unreadable=1.0)
        items = read.items
        monitor.quality.see([], n_unreadable=len(read.unreadable), outside={})
    for part in _parts(len(items)):
        chosen = _taken(items, np.arange(part.start, part.stop))
        rows = model.outputs(chosen, context=context)
        readable = [i for i in range(len(chosen)) if i not in rows.errors]
        kept_items = chosen if len(readable) == len(chosen) else _taken(chosen, np.array(readable, int))
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


def _follow_log(monitor: Monitor, folder: Path) -> None:
    for records, outputs in read_log(folder, len(monitor.reference.labels), after=monitor.quality.gaps.last_time):
        for part in _parts(len(records)):
            monitor.observe(records[part], None, outputs[part])


def _parts(n: int) -> Iterator[slice]:
    return (slice(start, min(start + _BATCH, n)) for start in range(0, n, _BATCH))


def _read_labels(path: Path) -> tuple[list[str], list[Any]]:
    """Keys and labels of a CSV file, or of the store that `headstart label` keeps."""
    if _is_store(path):
        with LabelStore(path) as store:
            held = store.current()
        return list(held), list(held.values())
    rows = read_label_rows(path)
    return [key for _, key, _ in rows], [label for _, _, label in rows]


def _is_store(path: Path) -> bool:
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return file.read(len(_SQLITE)) == _SQLITE
