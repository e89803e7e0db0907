"""Labelled data as a saved model sees it: its columns, its labels in its order."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from headstart.core.errors import DataError
from headstart.core.tasks.single_label import MULTICLASS
from headstart.data import load
from headstart.data.modalities import get_modality, modality_of_fields
from headstart.data.readers.parts import open_folder
from headstart.data.rows import Rows

if TYPE_CHECKING:
    from headstart.core.arrays import FloatArray
    from headstart.core.dataset import Dataset
    from headstart.core.decision import DecisionRule
    from headstart.packaging.model import Bundle


def load_for(model: Bundle, data: Any, *, max_unreadable: float = 0.01, **columns: Any) -> Dataset:
    """Load labelled data with the columns that the model was fitted on, and its targets in the model's order of labels.

    Labels are one by the model's rule. Those that it does not know come behind its own, with a notice each: it gives them no probability, so
    its outputs need as many columns of zeros (`outputs_for`).

    Parameters
    ----------
    columns : as for `headstart.load`; what is given goes before what the model remembers

    Raises
    ------
    DataError
        The data is of another modality or task, or has no label that the model knows.
    """
    remembered = model.manifest["columns"]
    known: dict[str, Any] = {}
    if model.input_column:
        known = {part: remembered[part] for part in ("input", "target") if remembered.get(part)}
    if len(model.fields) > 1:
        known["input"] = [field.name for field in model.fields]
    if "input" not in columns:
        are_rows = len(model.fields) > 1
        kinds = {one.name: get_modality(one.modality) for one in model.fields}
        known["columns"] = {
            name: kind.name for name, kind in kinds.items() if kind.is_tabular or (are_rows and kind.could_be_label)
        }
    wanted = {**({} if _is_folder_of_classes(data) else known), "task": _task_of(model), **columns}
    rule = {"keep_case": model.label_rule.keep_case, "missing": model.label_rule.missing}
    labels = model.labels if model.task_spec.has_probabilities else ()
    dataset = load(data, max_unreadable=max_unreadable, labels=labels, **{**rule, **wanted})
    if [field.modality for field in dataset.fields] != [field.modality for field in model.fields]:
        reads, holds = model.reads.plural, modality_of_fields(dataset.fields).plural
        if reads == holds:
            reads, holds = (
                " and ".join(f"{one.name} ({one.modality})" for one in fields)
                for fields in (model.fields, dataset.fields)
            )
        raise DataError(f"the model reads {reads}, but '{dataset.name}' holds {holds}. Name data of its kind.")
    if not model.task_spec.has_probabilities and dataset.task_spec.has_probabilities:
        raise DataError(f"the model predicts a number, but '{dataset.name}' holds classes. Name a table with numbers.")
    dataset = replace(_with_fields_of(model, dataset), task=model.task, metric=model.manifest.get("metric") or "")
    return replace(dataset, decision=_decision_for(model, len(dataset.labels)))


def _is_folder_of_classes(data: Any) -> bool:
    """Whether it has no columns: a folder of tables has."""
    return isinstance(data, str | Path) and Path(data).is_dir() and open_folder(Path(data)) is None


def outputs_for(dataset: Dataset, outputs: FloatArray) -> FloatArray:
    """Give the outputs of the model, shape (n, k), a column of zeros for each label of `load_for` that it does not know."""
    return np.pad(outputs, ((0, 0), (0, dataset.targets.shape[1] - outputs.shape[1])))


def known_to(model: Bundle, dataset: Dataset) -> Dataset:
    """Leave out the items of `load_for` that have a label which the model does not know."""
    k = len(model.labels)
    known = ~dataset.targets[:, k:].any(axis=1)
    if known.all():
        return dataset
    kept = dataset.take(np.flatnonzero(known))
    return replace(kept, targets=kept.targets[:, :k], labels=dataset.labels[:k], decision=model.decision)


def _decision_for(model: Bundle, n_labels: int) -> DecisionRule | None:
    """The model's decision over its labels and those that it does not know, which weigh as much as any."""
    if model.decision is None:
        return None
    weights = model.decision.weights
    return replace(model.decision, weights=(*weights, *[1.0] * (n_labels - len(weights))))


def _task_of(model: Bundle) -> str:
    """The task by which targets are read: data may have fewer classes than the model."""
    return MULTICLASS.name if model.task_spec.is_single_label else model.task


def _with_fields_of(model: Bundle, dataset: Dataset) -> Dataset:
    """Call the fields as the model does, where the user named other columns."""
    if dataset.fields == model.fields or len(model.fields) == 1:
        return dataset
    named = {new.name: dataset.values_of(old.name) for new, old in zip(model.fields, dataset.fields, strict=True)}
    return replace(dataset, items=Rows(named), fields=model.fields, unlabelled=())
