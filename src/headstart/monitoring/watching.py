"""Watch: a bundle's log of answers, or new data, compared with what the model was proven on."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from headstart.core.errors import OptionError
from headstart.engines.context import RunContext
from headstart.monitoring import state as kept
from headstart.monitoring.budget import FalseAlarms
from headstart.monitoring.changing import next_period, version_of
from headstart.monitoring.following import follow_data, follow_log
from headstart.monitoring.label_store import LabelStore, read_label_rows
from headstart.monitoring.model_reference import features_of, reference_of_bundle, reference_of_data
from headstart.monitoring.monitor import Monitor
from headstart.packaging import Bundle, load_bundle
from headstart.packaging.opening import seal_of
from headstart.storage.files import check_folder

if TYPE_CHECKING:
    from headstart.engines.reporters import ProgressOutput
    from headstart.monitoring.verdict import WatchVerdict

DEFAULT_BUDGET = "1/100000"
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
    version: str | None = None,
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
    state : a folder in which the watch is kept, and goes on from; None to begin anew. Where another version of the model answers by now, a new period
        begins there
    version : of the model, to be told; None for what `bundle` says, where it is the path of a registry or of a version in it
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
    if version is None:
        version = "" if isinstance(bundle, Bundle) else version_of(bundle)
    model = bundle if isinstance(bundle, Bundle) else load_bundle(bundle, trust=trust, trust_graphs=trust_graphs)
    context = RunContext.default(progress=progress)
    budget = FalseAlarms.parse(false_alarms, rate)
    given = ([], []) if labels is None else _read_labels(Path(labels))
    monitor = None if state is None else _kept(model, budget, Path(state), is_version=bool(version))
    if monitor is not None and is_another(monitor, model):
        new = new_monitor(model, reference, budget, context, version=version)
        _finish(monitor, log, given)
        monitor = next_period(
            monitor, new.reference, version=version, seal=new.seal, at=time.time(), features_of=new.features_of
        )
    elif monitor is None:
        monitor = new_monitor(model, reference, budget, context, version=version)
    n_before = monitor.incidents.n
    if log is not None:
        follow_log(monitor, Path(log))
    else:
        follow_data(monitor, model, live, context)
    monitor.label(*given)
    if state is not None:
        kept.save(monitor, state)
    return monitor.verdict(news_after=n_before)


def _kept(model: Bundle, budget: FalseAlarms, state: Path, *, is_version: bool) -> Monitor | None:
    """The monitor that a folder keeps, if it keeps one."""
    if not (state / kept.STATE_JSON).is_file():
        return None
    monitor = kept.load(state, features_of=features_of(model))
    check_goes_on(monitor, model, budget, f"{state}", "--state", is_version=is_version)
    monitor.seal = monitor.seal or seal_of(model)
    return monitor


def _finish(former: Monitor, log: str | Path | None, labels: tuple[list[str], list[Any]]) -> None:
    """Let the monitor of the former model see what that model answered last, and the labels of its answers."""
    if log is not None and former.version:
        follow_log(former, Path(log), version=former.version)
    mine = [(key, label) for key, label in zip(*labels, strict=True) if key in former.labelling.waiting]
    former.label([key for key, _ in mine], [label for _, label in mine])


def new_monitor(model: Bundle, reference: Any, budget: FalseAlarms, context: RunContext, *, version: str) -> Monitor:
    """A monitor that has seen nothing; arguments as for `watch`."""
    found = reference_of_bundle(model) if reference is None else reference_of_data(model, reference, context)
    monitor = Monitor(found, budget, features_of=features_of(model))
    monitor.seal, monitor.version = seal_of(model), version
    return monitor


def is_another(monitor: Monitor, model: Bundle) -> bool:
    """Whether a monitor is of another model; one of an older version of Headstart does not say of which it is."""
    return monitor.seal not in ("", seal_of(model))


def check_goes_on(
    monitor: Monitor, model: Bundle, budget: FalseAlarms, where: str, option: str, *, is_version: bool = False
) -> None:
    """Refuse a watch that was kept and is another one.

    Parameters
    ----------
    where : it was kept
    option : that names another place
    is_version : whether the model is of a registry, so that it takes the place of the one before it, whatever its labels

    Raises
    ------
    OptionError
        It is of another model, or has another budget.
    """
    if monitor.false_alarms.records != budget.records:
        raise OptionError(
            f"the watch in {where} has another budget: {monitor.false_alarms.words}. Give the same, or name a new folder for {option}."
        )
    if monitor.reference.labels != model.labels and not is_version:
        raise OptionError(f"the watch in {where} is of another model. Name a new folder for {option}.")


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
