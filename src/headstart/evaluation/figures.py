"""Figures: the data of the report's charts and galleries."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from headstart.data.preview import show

if TYPE_CHECKING:
    from headstart.core.dataset import Dataset, FloatArray, IntArray
    from headstart.data.holdout import SplitPlan

_N_EXAMPLES = 12
_N_BINS = 10
_N_POINTS = 500


def draw(
    dataset: Dataset, plan: SplitPlan, outputs: FloatArray, held_out: FloatArray | None, *, seed: int
) -> dict[str, Any]:
    """All figures, from `outputs` for the test items and `held_out`, nested outputs for the training items; without, those for the test items."""
    index, nested = (plan.test, outputs) if held_out is None else (plan.final, held_out)
    return {**draw_held_out(dataset, plan.test, outputs, seed=seed), **draw_training(dataset, index, nested)}


def draw_held_out(dataset: Dataset, index: IntArray, outputs: FloatArray, *, seed: int) -> dict[str, Any]:
    """Figures on the held-out items at `index`, from the model's outputs (m, k) for them."""
    targets, task = dataset.targets[index], dataset.task_spec
    if not task.has_probabilities:
        return {"residuals": _residuals(targets, outputs, seed), "mistakes": _largest_errors(dataset, index, outputs)}
    weighed = dataset.weigh(outputs)
    figures: dict[str, Any] = {
        "reliability": _reliability(targets, outputs, is_single=task.is_single_label),
        "per_label": _per_label(dataset.labels, targets, task.indicators(weighed)),
    }
    if task.is_multi_label:
        return figures
    true, predicted = targets.argmax(axis=1), weighed.argmax(axis=1)
    counts = np.zeros((len(dataset.labels), len(dataset.labels)), dtype=np.int64)
    np.add.at(counts, (true, predicted), 1)
    figures["confusion"] = {"labels": list(dataset.labels), "counts": counts.tolist()}
    figures["mistakes"] = _mistakes(dataset, index, outputs, predicted)
    return figures


def draw_training(dataset: Dataset, index: IntArray, held_out: FloatArray) -> dict[str, Any]:
    """Likely label errors among the training items, by out-of-fold outputs (m, k): all of them, the first ones with a preview.

    An item is one if another label is the likeliest, and is at least as likely as it is on average for items that have it.

    References
    ----------
    Northcutt, Jiang and Chuang, Confident learning, JAIR 2021.
    """
    if not dataset.task_spec.is_single_label:
        return {}
    targets, predicted = dataset.targets[index], held_out.argmax(axis=1)
    usual = (targets * held_out).sum(axis=0) / np.maximum(targets.sum(axis=0), 1.0)
    is_sure = held_out.max(axis=1) >= usual[predicted]
    issues = _mistakes(dataset, index[is_sure], held_out[is_sure], predicted[is_sure], n_most=len(index))
    return {"label_issues": issues}


def _mistakes(
    dataset: Dataset, index: IntArray, outputs: FloatArray, predicted: IntArray, *, n_most: int = _N_EXAMPLES
) -> list[dict[str, Any]]:
    """Items of which another label is predicted, the most confident first; those after the first few have no preview."""
    true, sure = dataset.targets[index].argmax(axis=1), outputs[np.arange(len(index)), predicted]
    wrong = np.flatnonzero(true != predicted)
    return [
        {
            **(show(dataset, int(index[i])) if place < _N_EXAMPLES else {"id": str(dataset.ids[index[i]])}),
            "true": dataset.labels[true[i]],
            "predicted": dataset.labels[predicted[i]],
            "probability": float(sure[i]),
        }
        for place, i in enumerate(wrong[np.argsort(-sure[wrong], kind="stable")][:n_most])
    ]


def _largest_errors(dataset: Dataset, index: IntArray, outputs: FloatArray) -> list[dict[str, Any]]:
    true = dataset.targets[index]
    order = np.argsort(-np.abs(true - outputs)[:, 0], kind="stable")[:_N_EXAMPLES]
    return [
        {**show(dataset, int(index[i])), "true": f"{true[i, 0]:.4g}", "predicted": f"{outputs[i, 0]:.4g}"}
        for i in order
    ]


def _residuals(targets: FloatArray, outputs: FloatArray, seed: int) -> list[dict[str, float]]:
    keep = np.sort(np.random.default_rng(seed).permutation(len(targets))[:_N_POINTS])
    return [{"true": float(targets[i, 0]), "predicted": float(outputs[i, 0])} for i in keep]


def _reliability(targets: FloatArray, outputs: FloatArray, *, is_single: bool) -> list[dict[str, float]]:
    """Accuracy by confidence, in up to ten bins of equal count."""
    if is_single:
        sure, right = outputs.max(axis=1), outputs.argmax(axis=1) == targets.argmax(axis=1)
    else:
        sure, right = outputs.reshape(-1), targets.reshape(-1) > 0
    bins = np.array_split(np.argsort(sure, kind="stable"), min(_N_BINS, max(1, len(sure) // 10)))
    return [
        {"confidence": float(sure[b].mean()), "accuracy": float(right[b].mean()), "n": len(b)} for b in bins if len(b)
    ]


def _per_label(labels: tuple[str, ...], targets: FloatArray, chosen: FloatArray) -> list[dict[str, Any]]:
    """Precision, recall and F1 of each label where it was predicted or occurs; `chosen` indicates predicted labels, shape (n, k)."""
    rows = zip(labels, targets.sum(axis=0), chosen.sum(axis=0), (targets * chosen).sum(axis=0), strict=True)
    return [
        {
            "label": label,
            "n": int(n),
            "precision": float(hits / found) if found else None,
            "recall": float(hits / n) if n else None,
            "F1": float(2 * hits / (found + n)) if found + n else None,
        }
        for label, n, found, hits in rows
    ]
