"""Figures of a report: what is decided, label by label, and the labels that are likely wrong."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn import metrics as reference

from headstart.core.dataset import Dataset
from headstart.core.decision import DecisionRule
from headstart.evaluation.figures import draw_held_out, draw_training

LABELS = ("a", "b", "c")


def dataset(codes, task="multiclass", **more):
    targets = np.eye(3)[codes] if task == "multiclass" else codes
    items = [f"text {i}" for i in range(len(targets))]
    return Dataset(name="t", modality="text", task=task, items=items, ids=items, targets=targets, labels=LABELS, **more)


def random_outputs(n=200, seed=0):
    rng = np.random.default_rng(seed)
    return rng.integers(3, size=n), rng.dirichlet(np.ones(3), n)


@pytest.mark.parametrize("weights", [None, (1.0, 8.0, 0.5)])
def test_each_label_has_precision_recall_and_f1_as_in_scikit_learn(weights):
    codes, outputs = random_outputs()
    given = dataset(codes, decision=None if weights is None else DecisionRule(weights=weights))
    found = draw_held_out(given, np.arange(200), outputs, seed=0)
    decided = (outputs * (weights or (1, 1, 1))).argmax(axis=1)
    precision, recall, f1, n = reference.precision_recall_fscore_support(codes, decided)
    rows = [[row["precision"], row["recall"], row["F1"], row["n"]] for row in found["per_label"]]
    np.testing.assert_allclose(rows, np.stack([precision, recall, f1, n], axis=1))
    np.testing.assert_array_equal(found["confusion"]["counts"], reference.confusion_matrix(codes, decided))


def test_a_label_that_is_never_predicted_has_no_precision():
    found = draw_held_out(dataset([0, 1]), np.arange(2), np.array([[0.9, 0.1, 0.0], [0.8, 0.2, 0.0]]), seed=0)
    assert [row["precision"] for row in found["per_label"]] == [0.5, None, None]
    assert [row["F1"] for row in found["per_label"]] == [pytest.approx(2 / 3), 0.0, None]


def test_labels_that_were_flipped_are_the_likely_errors():
    rng = np.random.default_rng(1)
    true = rng.integers(3, size=300)
    outputs = 0.9 * np.eye(3)[true] + 0.1 * rng.dirichlet(np.ones(3), 300)
    flipped = rng.permutation(300)[:20]
    labels = true.copy()
    labels[flipped] = (true[flipped] + 1) % 3
    issues = draw_training(dataset(labels), np.arange(300), outputs)["label_issues"]
    named = {issue["id"] for issue in issues}
    assert named <= {f"text {i}" for i in flipped}
    assert len(named) >= 15
    assert all(issue["predicted"] == LABELS[true[int(issue["id"].split()[1])]] for issue in issues)
    assert [issue["probability"] for issue in issues] == sorted((i["probability"] for i in issues), reverse=True)
    assert ["text" in issue for issue in issues] == [place < 12 for place in range(len(issues))]


def test_an_unsure_model_calls_no_label_wrong():
    codes = np.arange(300) % 3
    outputs = np.full((300, 3), 0.33) + 0.001 * np.eye(3)[(codes + 1) % 3]
    outputs[::5] = 0.9 * np.eye(3)[codes[::5]] + 0.03
    assert draw_training(dataset(codes), np.arange(300), outputs)["label_issues"] == []
