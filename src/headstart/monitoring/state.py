"""A monitor's state as one folder: loaded again it goes on exactly as if it had never stopped."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from headstart.core.errors import StorageError
from headstart.core.strict_json import plain
from headstart.monitoring.budget import FalseAlarms
from headstart.monitoring.findings import Alarm
from headstart.monitoring.history import History
from headstart.monitoring.labelling import Recent, Waiting
from headstart.monitoring.monitor import Monitor
from headstart.monitoring.periods import Period
from headstart.monitoring.reference import ARRAYS_NAME, JSON_NAME, Reference
from headstart.storage.files import replacing

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from headstart.core.arrays import FloatArray

STATE_JSON, STATE_ARRAYS = "state.json", "state.safetensors"
_FORMAT = 1


def to_files(monitor: Monitor) -> dict[str, bytes]:
    """The state and its reference, as files by name."""
    from headstart.packaging.bundle import safetensors

    return {
        **monitor.reference.files(),
        STATE_JSON: _json_of(_words(monitor)).encode("utf-8", "replace"),
        STATE_ARRAYS: safetensors(_arrays(monitor)),
    }


def from_files(
    files: Mapping[str, bytes], where: object, *, features_of: Callable[[Sequence[Any]], FloatArray] | None = None
) -> Monitor:
    """Inverse of `to_files`.

    Parameters
    ----------
    where : they were, for messages

    Raises
    ------
    StorageError
        One is damaged or missing.
    """
    from safetensors.numpy import load as load_arrays

    try:
        said = json.loads(files[STATE_JSON])
        arrays = load_arrays(files[STATE_ARRAYS])
        reference = Reference.from_files(files[JSON_NAME], files[ARRAYS_NAME])
        budget = FalseAlarms(**said["false_alarms"])
        monitor = Monitor(reference, budget, features_of=features_of, seed=said["seed"])
        _restore(monitor, said, arrays)
    except StorageError:
        raise
    except Exception as error:  # whatever parsers of damaged bytes raise
        reason = f"{type(error).__name__}: {str(error)[:100]}"
        raise StorageError(
            f"the state of the watch at {where} cannot be read ({reason}). Remove it to begin anew."
        ) from error
    return monitor


def save(monitor: Monitor, folder: str | Path) -> None:
    """Write the state and its reference, whole or not at all.

    Raises
    ------
    StorageError
        The folder holds something else, or cannot be written.
    """
    folder = Path(folder)
    if folder.exists() and not (folder.is_dir() and ((folder / STATE_JSON).is_file() or not any(folder.iterdir()))):
        raise StorageError(f"{folder} holds something else than the state of a watch. Name a new folder.")
    with replacing(folder) as partial:
        partial.mkdir()
        for name, content in to_files(monitor).items():
            (partial / name).write_bytes(content)


def load(folder: str | Path, *, features_of: Callable[[Sequence[Any]], FloatArray] | None = None) -> Monitor:
    """Inverse of `save`.

    Raises
    ------
    StorageError
        There is no state, or it is damaged.
    """
    folder = Path(folder)
    try:
        files = {name: (folder / name).read_bytes() for name in (JSON_NAME, ARRAYS_NAME, STATE_JSON, STATE_ARRAYS)}
    except FileNotFoundError as error:
        raise StorageError(f"{folder} holds no state of a watch ({Path(error.filename).name} is not there).") from error
    except OSError as error:
        raise StorageError(f"the state of the watch at {folder} cannot be read ({error.strerror}).") from error
    return from_files(files, folder, features_of=features_of)


def _json_of(words: dict[str, Any]) -> str:
    """As JSON; what is long and plain already is not looked through for what is not."""
    long = {name: words.pop(name) for name in ("waiting", "judged")}
    return json.dumps({**plain(words), **long}, ensure_ascii=False, allow_nan=False)


def _words(monitor: Monitor) -> dict[str, Any]:
    labelling = monitor.labelling
    return {
        "format": _FORMAT,
        "seed": monitor.seed,
        "false_alarms": asdict(monitor.false_alarms),
        "n_records": monitor.n_records,
        "n_alarms": monitor.n_alarms,
        "alarms": [asdict(alarm) for alarm in monitor.alarms],
        "incidents": monitor.incidents.to_dict(),
        "periods": [asdict(one) for one in monitor.periods],
        "seal": monitor.seal,
        "version": monitor.version,
        "quality": monitor.quality.to_dict(),
        "recent": [[one.key, one.time] for one in monitor.recent],
        "n_labels": labelling.n_labels,
        "label_counts": labelling.counts,
        "waiting": [[key, one.levels] for key, one in labelling.waiting.items()],
        "judged": list(labelling.judged),
        "judged_recent": [one.key for one in labelling.recent],
    }


def _arrays(monitor: Monitor) -> dict[str, FloatArray]:
    labelling = monitor.labelling
    parts = {
        "records": monitor.records.arrays(),
        "labels": labelling.ensemble.arrays(),
        "history": monitor.history.arrays(),
        "label_history": labelling.history.arrays(),
        "quality": monitor.quality.arrays(),
    }
    found = {f"{part}/{name}": array for part, arrays in parts.items() for name, array in arrays.items()}
    found["recent"] = _stacked([one.values for one in monitor.recent])
    found["judged_recent"] = _stacked([one.values for one in labelling.recent])
    found["waiting"] = _stacked([one.outputs for one in labelling.waiting.values()])
    if labelling.previous is not None:
        found["previous"] = labelling.previous
    return found


def _stacked(rows: list[FloatArray]) -> FloatArray:
    return np.stack(rows) if rows else np.zeros((0, 0))


def _restore(monitor: Monitor, said: Mapping[str, Any], arrays: Mapping[str, FloatArray]) -> None:
    def part(name: str) -> dict[str, FloatArray]:
        return {key.partition("/")[2]: one for key, one in arrays.items() if key.startswith(f"{name}/")}

    labelling = monitor.labelling
    monitor.records.restore(part("records"))
    labelling.ensemble.restore(part("labels"))
    monitor.history, labelling.history = (
        History.from_arrays(part("history")),
        History.from_arrays(part("label_history")),
    )
    monitor.quality.restore(said["quality"], arrays["quality/recent"])
    monitor.n_records, monitor.n_alarms = said["n_records"], said["n_alarms"]
    monitor.alarms.extend(map(Alarm.from_dict, said["alarms"]))
    _restore_incidents(monitor, said)
    monitor.recent.extend(
        Recent(key, time, values) for (key, time), values in zip(said["recent"], arrays["recent"], strict=True)
    )
    labelling.n_labels, labelling.counts = said["n_labels"], dict(said["label_counts"])
    for (key, levels), outputs in zip(said["waiting"], arrays["waiting"], strict=True):
        labelling.waiting[key] = Waiting(outputs, levels)
    labelling.judged.update(dict.fromkeys(said["judged"]))
    labelling.recent.extend(
        Recent(key, None, values) for key, values in zip(said["judged_recent"], arrays["judged_recent"], strict=True)
    )
    labelling.previous = arrays.get("previous")


def _restore_incidents(monitor: Monitor, said: Mapping[str, Any]) -> None:
    """States of older versions hold alarms alone."""
    if "incidents" not in said:
        for alarm in monitor.alarms:
            monitor.incidents.take(alarm)
        return
    monitor.incidents.restore(said["incidents"])
    monitor.periods.extend(map(Period.from_dict, said["periods"]))
    monitor.seal, monitor.version = said["seal"], said["version"]
