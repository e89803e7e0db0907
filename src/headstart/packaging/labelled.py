"""Labelled data as a saved model sees it: its columns, its labels in its order."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from headstart.core.errors import DataError
from headstart.data import load
from headstart.data.modalities import modality_of_fields
from headstart.data.rows import Rows

if TYPE_CHECKING:
    from headstart.core.dataset import Dataset
    from headstart.packaging.model import Bundle


def load_for(model: Bundle, data: Any, *, max_unreadable: float = 0.01, **columns: Any) -> Dataset:
    """Load labelled data with the columns that the model was fitted on, and its targets in the model's order of labels.

    Parameters
    ----------
    columns : as for `headstart.load`; what is given goes before what the model remembers

    Raises
    ------
    DataError
        The data is of another modality or task, or has a label that the model does not know.
    """
    known = {k: v for k, v in model.manifest["columns"].items() if k in ("input", "target") and v}
    if len(model.fields) > 1:
        known["input"] = [field.name for field in model.fields]
    dataset = load(data, max_unreadable=max_unreadable, **{**known, **columns} if not _is_folder(data) else columns)
    if [field.modality for field in dataset.fields] != [field.modality for field in model.fields]:
        reads, holds = model.reads.plural, modality_of_fields(dataset.fields).plural
        if reads == holds:
            reads, holds = (
                " and ".join(f"{one.name} ({one.modality})" for one in fields)
                for fields in (model.fields, dataset.fields)
            )
        raise DataError(f"the model reads {reads}, but '{dataset.name}' holds {holds}. Name data of its kind.")
    return _with_labels_of(model, _with_fields_of(model, dataset))


def _with_fields_of(model: Bundle, dataset: Dataset) -> Dataset:
    """Call the fields as the model does, where the user named other columns."""
    if dataset.fields == model.fields or len(model.fields) == 1:
        return dataset
    named = {new.name: dataset.values_of(old.name) for new, old in zip(model.fields, dataset.fields, strict=True)}
    return replace(dataset, items=Rows(named), fields=model.fields, unlabelled=())


def _is_folder(data: Any) -> bool:
    return isinstance(data, str | Path) and Path(data).is_dir()


def _with_labels_of(model: Bundle, dataset: Dataset) -> Dataset:
    """Put the targets' columns in the model's order of labels."""
    if not model.task_spec.has_probabilities:
        if dataset.task_spec.has_probabilities:
            raise DataError(
                f"the model predicts a number, but the target of '{dataset.name}' is {dataset.task}. Name the target column with --target."
            )
        return replace(dataset, metric=model.manifest.get("metric") or "")
    if not dataset.task_spec.has_probabilities:
        raise DataError(
            f"the model tells {len(model.labels)} labels apart, but the target of '{dataset.name}' is a number. Name the label column with --target."
        )
    unknown = [label for label in dataset.labels if label not in model.labels]
    if unknown:
        raise DataError(
            f"'{dataset.name}' has the label '{unknown[0]}', which the model was not trained on. It knows: {', '.join(model.labels)}."
        )
    targets = np.zeros((len(dataset), len(model.labels)))
    for column, label in enumerate(dataset.labels):
        targets[:, model.labels.index(label)] = dataset.targets[:, column]
    return replace(
        dataset,
        targets=targets,
        labels=tuple(model.labels),
        task=model.manifest["task"],
        metric=model.manifest.get("metric") or "",
        decision=model.decision,
    )
