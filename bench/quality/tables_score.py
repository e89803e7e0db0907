"""What an answer on a table is worth: one headline a task, higher is better, and what else is usual."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.metrics import average_precision_score, log_loss, r2_score, roc_auc_score

if TYPE_CHECKING:
    from bench.tables import Table

HEADLINES = {"binary": "auc", "multiclass": "accuracy", "regression": "r2"}


def score(test: Table, scores: list[Any], classes: list[str] | None) -> dict[str, float]:
    """Score the probabilities of `classes`, or the numbers where there are none; `score` repeats the headline."""
    truth = test.frame[test.target].to_numpy()
    values = np.array(scores, float)
    if classes is None:
        found = {"r2": float(r2_score(truth.astype(float), values))}
    else:
        found = _of_classes(truth.astype(str), values, np.array(classes))
    return {**found, "score": found[HEADLINES[test.task]]}


def _of_classes(truth: Any, probabilities: Any, classes: Any) -> dict[str, float]:
    order = np.argsort(classes)
    classes, probabilities = classes[order], np.clip(probabilities[:, order], 1e-6, 1)
    probabilities /= probabilities.sum(axis=1, keepdims=True)
    found = {
        "accuracy": float((classes[probabilities.argmax(axis=1)] == truth).mean()),
        "log_loss": float(log_loss(truth, probabilities, labels=classes)),
    }
    if len(classes) == 2:
        rarer = min(range(2), key=lambda code: (truth == classes[code]).sum())
        is_rarer = truth == classes[rarer]
        found["auc"] = float(roc_auc_score(is_rarer, probabilities[:, rarer]))
        found["average_precision"] = float(average_precision_score(is_rarer, probabilities[:, rarer]))
    return found
