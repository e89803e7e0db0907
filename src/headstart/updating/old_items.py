"""The regression set: labelled items kept beside the versions, on whose slices no challenger may be credibly worse."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import numpy as np

from headstart.core.errors import BundleError, OptionError, unknown_name
from headstart.core.paired import PairedDifference
from headstart.updating.judging import load_records, losses_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from headstart.core.dataset import Dataset
    from headstart.packaging.model import Bundle
    from headstart.updating.registry import Registry

_FOLDER, _SAID = "old_items", "read_as.json"
_KEPT = "items kept"
_LEAST = 20  # items of a slice


def keep_items(registry: Registry, data: Any, columns: dict[str, Any], slices: str | None = None) -> int:
    """Copy a file of labelled items into the registry, once it was read as the champion reads it; give their number.

    Parameters
    ----------
    columns : how it is read, as for `headstart.load`
    slices : a column of the model's, each frequent level of which is a slice; labels are slices anyway

    Raises
    ------
    OptionError
        It is no file, or the champion reads no such column.
    """
    if not isinstance(data, str | Path) or not Path(data).is_file():
        raise OptionError(
            f"--keep-items copies one file, and {str(data)[:80]!r} is none. Give a CSV or Parquet file, or leave it out."
        )
    path, champion = Path(data), registry.open_version(registry.champion)
    if slices is not None and slices not in [field.name for field in champion.fields]:
        raise unknown_name("column of the champion", slices, [field.name for field in champion.fields])
    n_items = len(load_records(champion, path, **columns))
    with TemporaryDirectory(prefix="headstart-") as place:
        shutil.copyfile(path, Path(place) / f"items{''.join(path.suffixes)}")
        (Path(place) / _SAID).write_text(json.dumps({"columns": columns, "slices": slices}))
        registry.keep_files(_FOLDER, Path(place), _KEPT, n_items=n_items, slices=slices)
    return n_items


def worse_slices(registry: Registry, champion: Bundle, challenger: Bundle) -> list[str]:
    """Slices on which the challenger is credibly worse than the champion, in words; none where no items are kept.

    Raises
    ------
    BundleError
        The kept items cannot be read.
    """
    folder = registry.kept_files(_FOLDER, _KEPT)
    if folder is None:
        return []
    try:
        said = json.loads((folder / _SAID).read_text())
        (path,) = folder.glob("items*")
    except (ValueError, OSError) as error:
        raise BundleError(
            f"{folder} is damaged. Keep the items again: headstart update {registry.shown} --keep-items FILE"
        ) from error
    records = load_records(champion, path, **said["columns"])
    change = losses_of(challenger, records, scale=1.0) - losses_of(champion, records, scale=1.0)
    found = []
    for name, mask in _slices(records.dataset, said["slices"]):
        lost = PairedDifference.of(change[mask], np.arange(int(mask.sum())))
        if lost.is_significantly_better:
            found.append(f"{name}: loss {lost.mean:+.4f} on {int(mask.sum())} old items")
    return found


def _slices(dataset: Dataset, column: str | None) -> Iterator[tuple[str, Any]]:
    yield "all", np.ones(len(dataset), bool)
    if dataset.task_spec.has_probabilities:
        for label, chosen in zip(dataset.labels, dataset.targets.T > 0, strict=True):
            if chosen.sum() >= _LEAST:
                yield f"label {label}", chosen
    if column is not None:
        values = np.array([str(value) for value in dataset.values_of(column)])
        for level, n in zip(*np.unique(values, return_counts=True), strict=True):
            if n >= _LEAST:
                yield f"{column} {level}", values == level
