"""Dataset: labelled items on their way down the line, whatever their modality."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal

from headstart.core.arrays import FloatArray, IntArray
from headstart.core.label_rule import LabelRule
from headstart.core.tasks import get_task

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from headstart.core.decision import DecisionRule
    from headstart.core.metrics import Metric
    from headstart.core.tasks import TaskSpec

__all__ = ["ROW", "Dataset", "Field", "FloatArray", "IntArray", "Notice", "Split", "Task"]

Task = str
"""The word for a task, as `core.tasks.task_names` lists them."""
Split = Literal["train", "validation", "test"]
ROW = "row"
"""The word for the modality of items of several fields."""


@dataclass(frozen=True)
class Field:
    """One input of an item: its name, as a rule a column's, and the name of its modality.

    `written` says how the cells of its column are written, where a modality needs to know it to read them: ',|EUR' of numbers with a
    decimal comma and a currency, 'dmy' of dates.
    """

    name: str
    modality: str
    written: str = ""

    def to_dict(self) -> dict[str, str]:
        """As JSON values; how it is written only where that is known."""
        return {name: value for name, value in vars(self).items() if value or name != "written"}


@dataclass(frozen=True, kw_only=True)
class Notice:
    """Something about the data that the user should know.

    `kind` is a stable word for machines (`unreadable`, `unlabelled`, `blank`, `leak`, `label-spelling`, `guess`,
    `small-class` …), `message` a sentence for people, `where` the rows or files meant.
    """

    kind: str
    message: str
    where: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Dataset:
    """Items with their targets; what `load` gives and every later stage takes.

    Attributes
    ----------
    modality : the name of what the items are: the modality of the one field, or `row` if there are several
    items : n items, each something that a source's preprocessor reads: a text, or an image as path, bytes or array (h, w, 3) uint8; with several
        fields `data.rows.Rows`, whose members are dicts with such a value per field
    fields : the fields of an item, in order, one or more; if not given, one field of the modality
    ids : n names for people: `photos/kiwi/7.jpg`, or `tickets.csv row 214` (rows counted from 1, the header not counted)
    targets : shape (n, k), float64. Classification: indicators 0/1, one column a class in the order of `labels` (binary
        has two columns, multi-label any number of ones a row). Regression: (n, 1) in the units of the target.
    labels : k names, sorted; the name of the target column for a regression
    label_rule : how cells were read as labels
    groups : shape (n,), items that must stay on one side of every split, as the user gave them; None if not given
    has_near_duplicate_groups : whether `groups` keep near-duplicates together too, as `data.near_duplicates` joins them
    times : shape (n,), float64, seconds or any increasing number; None if not given
    splits : shape (n,), 'train', 'validation' or 'test', as the user's folders or column gave them; None if not given
    unlabelled : items without a target, kept separately
    columns : names of the input, target, group, time and split columns where there are any; for the manifest
    notices : what was noticed, set aside or guessed
    unreadable : (id, reason) of the items that were set aside so far because they cannot be read
    metric : name of the metric that heads the report; the task's own choice if empty
    decision : how probabilities become decisions; None for the likeliest label, or each that is likelier than not
    """

    name: str
    modality: str
    task: Task
    items: Sequence[Any]
    ids: Sequence[str]
    targets: FloatArray
    labels: tuple[str, ...]
    groups: IntArray | None = None
    times: FloatArray | None = None
    splits: NDArray[np.str_] | None = None
    unlabelled: Sequence[Any] = ()
    columns: dict[str, str] = field(default_factory=dict)
    notices: tuple[Notice, ...] = ()
    fields: tuple[Field, ...] = ()
    has_near_duplicate_groups: bool = False
    label_rule: LabelRule = field(default_factory=LabelRule)
    metric: str = ""
    decision: DecisionRule | None = None
    unreadable: tuple[tuple[str, str], ...] = ()

    def __post_init__(self) -> None:
        if not self.fields:
            object.__setattr__(self, "fields", (Field(self.columns.get("input") or "input", self.modality),))

    def __repr__(self) -> str:
        fields = ", ".join(f"{field.name} ({field.modality})" for field in self.fields)
        return f"Dataset({self.name}: {len(self)} items of {fields}; {self.task}, {len(self.labels)} labels, {len(self.notices)} notices)"

    def __len__(self) -> int:
        return len(self.items)

    @property
    def task_spec(self) -> TaskSpec:
        """What follows from the task: loss, metrics, decision."""
        return get_task(self.task)

    @property
    def metrics(self) -> tuple[Metric, ...]:
        """All metrics of the task, in the order of the report; those of decisions judge what `decision` makes of outputs."""
        return tuple(metric.of_weighed(self.weigh) for metric in self.task_spec.metrics)

    def headline(self, targets: FloatArray) -> Metric:
        """The metric of the verdict: the one that was asked for, else the task's choice for these targets."""
        name = self.metric or self.task_spec.headline(targets).name
        return next(metric for metric in self.metrics if metric.name == name)

    def weigh(self, outputs: FloatArray) -> FloatArray:
        """Outputs from which decisions are made, shape (n, k), by the rule for them."""
        if self.decision is None:
            return outputs
        n_others = outputs.shape[1] - len(self.decision.weights)  # labels that a model does not know
        return self.task_spec.weigh(outputs, (*self.decision.weights, *[1.0] * n_others))

    @property
    def codes(self) -> IntArray:
        """The class of each item as a column number, shape (n,); only for single-label classification."""
        return self.targets.argmax(axis=1)

    def items_at(self, index: IntArray) -> Sequence[Any]:
        """Give the items at some positions, packed if they are."""
        return _take(self.items, index)

    def values_of(self, name: str) -> Sequence[Any]:
        """Give the values of one field, n of them."""
        return self.items.column(name) if len(self.fields) > 1 else self.items  # type: ignore[attr-defined]  # Rows

    def only_field(self, name: str) -> Dataset:
        """Give the same dataset as if its items had this field alone."""
        if len(self.fields) == 1:
            return self
        field = next(field for field in self.fields if field.name == name)
        unlabelled = self.unlabelled.column(name) if self.unlabelled else ()  # type: ignore[attr-defined]  # Rows
        return replace(
            self, modality=field.modality, fields=(field,), items=self.values_of(name), unlabelled=unlabelled
        )

    def take(self, index: IntArray) -> Dataset:
        """Keep the items at `index`, in that order."""
        return replace(
            self,
            items=_take(self.items, index),
            ids=_take(self.ids, index),
            targets=self.targets[index],
            groups=None if self.groups is None else self.groups[index],
            times=None if self.times is None else self.times[index],
            splits=None if self.splits is None else self.splits[index],
        )


def _take(sequence: Sequence[Any], index: IntArray) -> Sequence[Any]:
    """Keep some members; a packed sequence (it has a `take` of its own) stays packed."""
    take = getattr(sequence, "take", None)
    return take(index) if take is not None else [sequence[i] for i in index]
