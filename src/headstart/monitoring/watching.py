"""Watch: a bundle's log of answers, or new data, compared with what the model was proven on."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from headstart.core.errors import BundleError, DataError, OptionError
from headstart.data.items import read_items
from headstart.data.readers.parts import open_folder
from headstart.data.readers.tables import is_table_file, open_table
from headstart.engines.context import RunContext
from headstart.monitoring import state as kept
from headstart.monitoring.answer_log import read_log
from headstart.monitoring.budget import FalseAlarms
from headstart.monitoring.monitor import Monitor
from headstart.monitoring.reference import ARRAYS_NAME, JSON_NAME, Reference
from headstart.monitoring.referring import make_reference
from headstart.packaging import Bundle, load_bundle
from headstart.packaging.labelled import known_to, load_for

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from headstart.core.dataset import Dataset
    from headstart.engines.reporters import ProgressOutput
    from headstart.monitoring.verdict import WatchVerdict

DEFAULT_BUDGET = "1/100000"
_BATCH = 512


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
    labels : a CSV file of a key and a label a row; keys are numbers of records from 1, of a log the item's hash in hex
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
    model = bundle if isinstance(bundle, Bundle) else load_bundle(bundle, trust=trust, trust_graphs=trust_graphs)
    context = RunContext.default(progress=progress)
    monitor = _monitor(model, reference, FalseAlarms.parse(false_alarms, rate), state, context)
    if log is not None:
        _follow_log(monitor, Path(log))
    else:
        _follow_data(monitor, model, live, context)
    if labels is not None:
        monitor.label(*_read_labels(Path(labels)))
    if state is not None:
        kept.save(monitor, state)
    return monitor.verdict()


def _monitor(
    model: Bundle, reference: Any, budget: FalseAlarms, state: str | Path | None, context: RunContext
) -> Monitor:
    features_of = model.features if _gives_features(model) else None
    if state is not None and (Path(state) / kept.STATE_JSON).is_file():
        monitor = kept.load(state, features_of=features_of)
        if monitor.false_alarms.records != budget.records:
            raise OptionError(
                f"the watch in {state} has another budget: {monitor.false_alarms.words}. Give the same, or name a new folder for --state."
            )
        if monitor.reference.labels != model.labels:
            raise OptionError(f"the watch in {state} is of another model. Name a new folder for --state.")
        return monitor
    found = reference_of_bundle(model) if reference is None else reference_of_data(model, reference, context)
    return Monitor(found, budget, features_of=features_of)


def _gives_features(model: Bundle) -> bool:
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
    features_of = model.features if _gives_features(model) else None
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
    features = None if features_of is None else features_of(taken)
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
    if not isinstance(data, str | Path):
        return bool(hasattr(data, "columns") and target in list(data.columns))
    path = Path(data)
    if path.is_dir():
        table = open_folder(path)
        if table is None:
            return {one.name for one in path.iterdir() if one.is_dir()} >= set(model.labels)
        return target in table.names
    return path.is_file() and is_table_file(path) and target in open_table(path).names


def _follow_data(monitor: Monitor, model: Bundle, data: Any, context: RunContext) -> None:
    dataset: Dataset | None = None
    if has_target(model, data):
        dataset = load_for(model, data)
        items: Sequence[Any] = dataset.items
    else:
        items = read_items(data, modality=model.reads, learnt=model.input_column, max_unreadable=1.0).items
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
    for records, outputs in read_log(folder, len(monitor.reference.labels), after=monitor.quality.last_time):
        for part in _parts(len(records)):
            monitor.observe(records[part], None, outputs[part])


def _parts(n: int) -> Iterator[slice]:
    return (slice(start, min(start + _BATCH, n)) for start in range(0, n, _BATCH))


def _read_labels(path: Path) -> tuple[list[str], list[str]]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = [row for row in csv.reader(file) if row]
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"'{path}' cannot be read ({error}). A CSV file of keys and labels is needed.") from error
    for number, row in enumerate(rows, start=1):
        if len(row) != 2:
            raise DataError(f"'{path}' line {number} has {len(row)} cells; a key and a label are needed.")
    body = rows[1:] if rows and rows[0][1].strip().lower() in ("label", "target", "true", "truth") else rows
    named = [row for row in body if row[1].strip()]  # a blank cell is no label yet
    return [row[0] for row in named], [row[1] for row in named]
