"""Prove again: a saved model on new labelled data, beside what it was shipped with."""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from headstart.core.errors import DataError
from headstart.data import load
from headstart.data.duplicates import exact_duplicates
from headstart.packaging import Bundle, load_bundle
from headstart.proof import measure

if TYPE_CHECKING:
    from headstart.core.dataset import Dataset
    from headstart.core.report import Score
    from headstart.packaging.signing import Trust


def prove_again(
    bundle: str | Path | Bundle,
    data: Any,
    *,
    max_bad: float = 0.01,
    seed: int = 0,
    trust: Trust | None = None,
    **columns: Any,
) -> dict[str, Any]:
    """Measure a saved model on new labelled data; `trust` as in `load_bundle`.

    Returns the metrics with their intervals, as `metrics`, beside the headline of what was packed, as `promised`, and
    whether the two intervals meet, as `agrees` and in a `sentence`.

    Raises
    ------
    DataError
        The data has another task, or a label that the model does not know.
    """
    model = bundle if isinstance(bundle, Bundle) else load_bundle(bundle, trust=trust)
    known = {k: v for k, v in model.manifest["columns"].items() if k in ("input", "target") and v}
    dataset = load(data, max_bad=max_bad, **{**known, **columns} if not _is_folder(data) else columns)
    if dataset.modality != model.modality:
        raise DataError(
            f"the model reads {model.modality}s, but '{dataset.name}' holds {dataset.modality}s. Name data of its kind."
        )
    dataset = _with_labels_of(model, dataset)
    outputs = (
        model.predict_proba(dataset.items)
        if model.task != "regression"
        else np.asarray(model.predict(dataset.items)).reshape(-1, 1)
    )
    groups = exact_duplicates([str(item) for item in dataset.items]) if dataset.groups is None else dataset.groups
    scores = measure(dataset, outputs, groups, seed=seed)
    promised = _promised(model.report)
    scores = tuple(sorted(scores, key=lambda s: s.name != promised["name"]))
    agrees, sentence = _agreement(scores[0], promised)
    return {
        "bundle": str(bundle),
        "n_items": len(dataset),
        "metrics": [asdict(score) for score in scores],
        "promised": promised,
        "agrees": agrees,
        "sentence": sentence,
        "notices": [asdict(notice) for notice in dataset.notices],
    }


def _promised(report: dict[str, Any]) -> dict[str, Any]:
    """The headline that was measured of what was packed: the model, or the rival that it could not beat."""
    rivals = {rival["name"]: rival["score"] for rival in report["rivals"]}
    promised: dict[str, Any] = rivals.get(report["deployed"], report["metric"])
    return promised


def _agreement(again: Score, promised: dict[str, Any]) -> tuple[bool, str]:
    """Whether two intervals of a headline meet, and what that says; of every headline more is better."""
    if again.high < promised["low"]:
        return False, "Worse than was promised: this data is of another kind than the model was proven on."
    if again.low > promised["high"]:
        return False, "Better than was promised: this data is easier, or the model was fitted on some of it."
    return True, "As was promised: the two intervals meet."


def _is_folder(data: Any) -> bool:
    return isinstance(data, str | Path) and Path(data).is_dir()


def _with_labels_of(model: Bundle, dataset: Dataset) -> Dataset:
    """Put the targets' columns in the model's order of labels."""
    if model.task == "regression":
        if dataset.task != "regression":
            raise DataError(
                f"the model predicts a number, but the target of '{dataset.name}' is {dataset.task}. Name the target column with --target."
            )
        return dataset
    if dataset.task == "regression":
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
    return replace(dataset, targets=targets, labels=tuple(model.labels), task=model.manifest["task"])
