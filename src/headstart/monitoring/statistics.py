"""Statistics: the numbers of a record that are watched, and how each is computed."""

from __future__ import annotations

import zlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from headstart.core.errors import DataError
from headstart.data.modalities import get_modality
from headstart.data.packed_columns import Categories, Numbers
from headstart.data.rows import column_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from headstart.core.arrays import FloatArray
    from headstart.core.dataset import Field
    from headstart.core.tasks import TaskSpec

PREDICTIONS, COLUMNS, FEATURES, LABELS = "predictions", "columns", "features", "labels"
OTHER = "\0other"  # the level of all that the reference does not hold often
_MAX_LOSS = 10.0  # nats

Of = Literal["output", "confidence", "cell", "missing", "level", "size", "projection", "error", "loss"]


@dataclass(frozen=True, kw_only=True)
class Statistic:
    r"""One number of a record.

    Attributes
    ----------
    of : what it is computed from
    field : the field, the block of features, or of a slice what it is a slice of ('' all records, '\0predicted', or a field)
    at : the place of the output or projection; the level; of a slice its level
    """

    of: Of
    field: str = ""
    at: Any = None

    @property
    def group(self) -> str:
        """What it is part of."""
        if self.of in ("output", "confidence"):
            return PREDICTIONS
        if self.of == "projection":
            return FEATURES
        return LABELS if self.of in ("error", "loss") else COLUMNS

    @property
    def is_share(self) -> bool:
        """Whether its mean is a share of the records."""
        return self.of in ("missing", "level")

    def name(self, labels: Sequence[str], *, is_value: bool) -> str:
        """What people call it."""
        what = "the answer" if self.field == PREDICTED else self.field
        names = {
            "output": "predicted value" if is_value else f"probability of {self._label(labels)}",
            "confidence": "confidence",
            "cell": self.field,
            "size": f"length of {self.field}",
            "missing": f"{self.field} missing",
            "level": f"{self.field}: another level" if self.at == OTHER else f"{self.field} = {self.at}",
            "projection": f"{self.field} features, direction {self.at + 1 if isinstance(self.at, int) else ''}",
            "error": f"error where {what} is {self.at}" if self.field else "error",
            "loss": "log loss",
        }
        return names[self.of]

    def _label(self, labels: Sequence[str]) -> str:
        return labels[self.at] if isinstance(self.at, int) and self.at < len(labels) else ""

    def to_dict(self) -> dict[str, Any]:
        """As JSON values."""
        return {"of": self.of, "field": self.field, "at": self.at}


PREDICTED = "\0predicted"


@dataclass(frozen=True, kw_only=True)
class Observed:
    """Records as statistics see them.

    Attributes
    ----------
    cells : by field: floats (NaN where one is missing), or strings ('' where one is missing)
    sizes : by field, of what is no cell of a table
    outputs : shape (n, k); NaN where a record was not answered
    projections : by block, shape (n, r)
    """

    n: int
    cells: Mapping[str, Any] = field(default_factory=dict)
    sizes: Mapping[str, FloatArray] = field(default_factory=dict)
    outputs: FloatArray | None = None
    projections: Mapping[str, FloatArray] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Judged:
    """Answers whose labels are known: outputs and targets, shape (n, k), and the levels of the slices that the records are in, by field."""

    outputs: FloatArray
    targets: FloatArray
    levels: Mapping[str, Sequence[str]]


def read_items(items: Sequence[Any] | None, fields: Sequence[Field]) -> tuple[dict[str, Any], dict[str, FloatArray]]:
    """Cells of tables, and sizes of other values, by field; a moment in time is none of them, for it never comes again."""
    cells: dict[str, Any] = {}
    sizes: dict[str, FloatArray] = {}
    for one in fields if items is not None else ():
        assert items is not None
        kind = get_modality(one.modality)
        values = column_of(items, one.name) if len(fields) > 1 else items
        if not kind.is_tabular:
            sizes[one.name] = np.array([float(kind.size(value)) for value in values])
        elif not kind.is_time:
            cells[one.name] = _cells(values, one.name)
    return cells, sizes


def _cells(values: Sequence[Any], name: str) -> Any:
    """Floats, or strings."""
    if isinstance(values, Numbers):
        return values.array
    if isinstance(values, Categories):
        return [values[i] for i in range(len(values))]
    if any(isinstance(value, str) for value in values):
        return ["" if value is None else str(value) for value in values]
    try:
        return np.array([np.nan if value is None else float(value) for value in values])
    except (TypeError, ValueError) as error:
        raise DataError(f"column '{name}' holds what is neither a number nor a text ({error}).") from error


def values_of(statistic: Statistic, seen: Observed) -> FloatArray:
    """The statistic of each record, shape (n,); NaN where it has none."""
    found: Any = None
    if statistic.of == "output" and seen.outputs is not None:
        found = seen.outputs[:, statistic.at]
    elif statistic.of == "confidence" and seen.outputs is not None:
        found = seen.outputs.max(axis=1)
    elif statistic.of == "projection" and statistic.field in seen.projections:
        found = seen.projections[statistic.field][:, statistic.at]
    elif statistic.of == "size":
        found = seen.sizes.get(statistic.field)
    elif statistic.of in ("cell", "missing", "level"):
        found = _of_cells(statistic, seen.cells.get(statistic.field))
    return np.full(seen.n, np.nan) if found is None else np.asarray(found, np.float64)


def _of_cells(statistic: Statistic, cells: Any) -> Any:
    if cells is None or not len(cells):
        return None
    if isinstance(cells, np.ndarray):
        return np.isnan(cells) if statistic.of == "missing" else cells
    if statistic.of == "missing":
        return [not cell for cell in cells]
    if statistic.of == "cell":  # words where numbers were
        return None
    return [float(cell == statistic.at) if cell else np.nan for cell in cells]


def level_values(known: Sequence[str], cells: Sequence[str]) -> FloatArray:
    """Whether each cell is of no known level, shape (n,); NaN where it is missing."""
    among = set(known)
    return np.array([float(cell not in among) if cell else np.nan for cell in cells])


def losses_of(statistic: Statistic, judged: Judged, task: TaskSpec, weights: Sequence[float] | None) -> FloatArray:
    """The loss of each answer, shape (n,): 0 or 1 where a label is decided on, the absolute error of a value; NaN out of the slice."""
    if statistic.of == "loss":
        found = np.minimum(task.losses(judged.outputs, judged.targets), _MAX_LOSS)
    else:
        found = errors_of(judged.outputs, judged.targets, task, weights)
    if statistic.field:
        levels = judged.levels.get(statistic.field)
        is_in = np.zeros(len(found), bool) if levels is None else np.array([one == statistic.at for one in levels])
        found = np.where(is_in, found, np.nan)
    return np.asarray(found, np.float64)


def errors_of(outputs: FloatArray, targets: FloatArray, task: TaskSpec, weights: Sequence[float] | None) -> FloatArray:
    """How wrong each decision is, shape (n,): 0 or 1, the share of labels that are wrong, or the absolute error of a value."""
    if not task.has_probabilities:
        return np.abs(np.asarray(outputs, np.float64)[:, 0] - targets[:, 0])
    decided = task.indicators(task.weigh(outputs, weights))
    if task.is_single_label:
        return 1.0 - np.asarray((decided * targets).sum(axis=1), np.float64)
    return np.asarray(np.abs(decided - targets).mean(axis=1), np.float64)


def seed_of(name: str) -> int:
    """A seed that depends on a name alone."""
    return zlib.crc32(name.encode())
