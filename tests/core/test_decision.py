"""Decisions where labels do not count alike: thresholds, class weights, and the metrics of what is decided."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics as reference

from headstart.core.dataset import Dataset
from headstart.core.decision import DecisionRule, make_decision_rule
from headstart.core.errors import OptionError
from headstart.core.label_rule import LabelRule
from headstart.core.tasks import get_task

BINARY, MULTICLASS, MULTILABEL = map(get_task, ("binary", "multiclass", "multilabel"))
LABELS = ("ham", "spam")
TARGETS = np.eye(2)[[0] * 8 + [1] * 2]


def rule(task=BINARY, labels=LABELS, targets=TARGETS, **asked):
    return make_decision_rule(task, labels, targets, **asked)


@given(threshold=st.floats(0.02, 0.98), probability=st.floats(0.01, 0.99))
def test_a_threshold_decides_for_the_second_of_two_labels(threshold, probability):
    found = rule(threshold=threshold)
    weighed = BINARY.weigh(np.array([[1 - probability, probability]]), found.weights)
    if abs(probability - threshold) > 1e-6:
        assert BINARY.decide(weighed, LABELS) == [LABELS[int(probability > threshold)]]
    assert found.thresholds(BINARY) == pytest.approx((1 - threshold, threshold))


def test_a_threshold_of_the_first_label_is_named():
    assert rule(threshold={"ham": 0.9}).weights == pytest.approx(rule(threshold=0.1).weights)


@given(thresholds=st.lists(st.floats(0.02, 0.98), min_size=3, max_size=3))
def test_labels_that_occur_together_have_a_threshold_each(thresholds):
    labels = ("a", "b", "c")
    found = rule(MULTILABEL, labels, np.ones((4, 3)), threshold=dict(zip(labels, thresholds, strict=True)))
    assert found.thresholds(MULTILABEL) == pytest.approx(thresholds)
    for shift, expected in ((1e-4, [labels]), (-1e-4, [()])):
        weighed = MULTILABEL.weigh(np.array([thresholds]) + shift, found.weights)
        assert MULTILABEL.decide(weighed, labels) == expected


def test_class_weights_give_the_least_expected_cost():
    rng = np.random.default_rng(0)
    outputs, costs = rng.dirichlet(np.ones(4), 50), rng.uniform(0.5, 5, 4)
    labels = tuple("abcd")
    weights = rule(
        MULTICLASS, labels, np.eye(4), class_weights=dict(zip(labels, map(float, costs), strict=True))
    ).weights
    decided = MULTICLASS.weigh(outputs, weights).argmax(axis=1)
    missed = outputs * costs  # cost of missing each class, times its probability
    expected_cost = missed.sum(axis=1, keepdims=True) - missed  # of deciding for a class
    assert decided.tolist() == expected_cost.argmin(axis=1).tolist()


def test_balanced_weights_are_those_of_scikit_learn():
    from sklearn.utils.class_weight import compute_class_weight

    codes = TARGETS.argmax(axis=1)
    expected = compute_class_weight("balanced", classes=np.array([0, 1]), y=codes)
    assert rule(class_weights="balanced").weights == pytest.approx(tuple(expected))
    shares = np.array([[1, 0], [1, 1], [1, 0], [0, 0]])
    both = rule(MULTILABEL, ("a", "b"), shares, class_weights="balanced")
    assert both.thresholds(MULTILABEL) == pytest.approx((0.75, 0.25))  # each label's own frequency


@pytest.mark.parametrize(
    ("task", "asked", "said"),
    [
        (BINARY, {"threshold": 0.3, "class_weights": "balanced"}, "Leave one of them out"),
        (BINARY, {"threshold": 1.0}, "between 0 and 1, got 1.0"),
        (BINARY, {"threshold": "high"}, "a number between 0 and 1"),
        (BINARY, {"threshold": {"spma": 0.3}}, "Did you mean 'spam'"),
        (BINARY, {"threshold": {"ham": 0.3, "spam": 0.3}}, "one threshold decides"),
        (MULTICLASS, {"threshold": 0.3}, "there are 3"),
        (MULTICLASS, {"class_weights": {"a": 0}}, "above 0, got 0"),
        (MULTICLASS, {"class_weights": "even"}, "'balanced' or a number for each label"),
        (get_task("regression"), {"threshold": 0.3}, "a number is predicted"),
    ],
)
def test_what_cannot_be_is_refused(task, asked, said):
    labels = ("a", "b", "c") if task is MULTICLASS else LABELS
    with pytest.raises(OptionError, match=said):
        make_decision_rule(task, labels, np.eye(len(labels)), **asked)


@pytest.mark.parametrize(
    ("task", "weights", "said"),
    [
        (BINARY, (0.3, 0.7), "'spam' is predicted from a probability of 0.3 on."),
        (MULTILABEL, (3.0, 3.0), "A label is predicted from a probability of 0.25 on."),
        (MULTILABEL, (3.0, 1.0), "of its own on: 'ham' from 0.25 on, 'spam' from 0.5 on."),
        (MULTICLASS, (1.0, 5.0, 2.0), "the weights are ham 1, spam 5, eggs 2."),
    ],
)
def test_a_rule_is_said_in_a_sentence(task, weights, said):
    assert said in DecisionRule(weights=weights).sentence(task, ("ham", "spam", "eggs")[: len(weights)])


def dataset(**more):
    targets = np.eye(2)[[0, 0, 0, 1]]
    return Dataset(
        name="t",
        modality="text",
        task="binary",
        items=list("abcd"),
        ids=list("abcd"),
        targets=targets,
        labels=LABELS,
        **more,
    )


def test_metrics_of_decisions_judge_what_the_rule_decides():
    outputs = np.array([[0.9, 0.1], [0.7, 0.3], [0.6, 0.4], [0.65, 0.35]])
    given = dataset(decision=rule(threshold=0.33))
    truth, decided = np.array([0, 0, 0, 1]), np.array([0, 0, 1, 1])
    found = {metric.name: metric.of(given.targets, outputs) for metric in given.metrics}
    assert found["accuracy"] == pytest.approx(reference.accuracy_score(truth, decided))
    assert found["macro-F1"] == pytest.approx(reference.f1_score(truth, decided, average="macro"))
    assert found["ROC AUC"] == pytest.approx(reference.roc_auc_score(truth, outputs[:, 1]))
    assert found["log loss"] == pytest.approx(reference.log_loss(truth, outputs))


def test_the_headline_is_the_one_that_was_asked_for():
    assert dataset(metric="macro-F1").headline(TARGETS).name == "macro-F1"
    assert dataset().headline(TARGETS).name == BINARY.headline(TARGETS).name


@pytest.mark.parametrize("asked", ["macro-F1", "f1_macro", "MACRO F1"])
def test_a_metric_is_known_by_its_words(asked):
    assert BINARY.headline_name(asked) == "macro-F1"


@pytest.mark.parametrize("asked", ["log loss", "f2", "calibration error"])
def test_a_headline_of_which_less_is_better_is_refused(asked):
    with pytest.raises(OptionError, match="of which more is better.*macro-F1"):
        BINARY.headline_name(asked)


def test_labels_that_a_model_does_not_know_keep_their_probability_of_nothing():
    given = dataset(decision=rule(threshold=0.2))
    assert given.weigh(np.array([[0.7, 0.3, 0.0]])).argmax() == 1


@pytest.mark.parametrize("name", ["yes", "Yes", "YES"])
def test_labels_are_found_however_they_are_written(name):
    targets = np.eye(2)
    rule = make_decision_rule(get_task("binary"), ("NO", "YES"), targets, threshold={name: 0.3})
    assert rule == make_decision_rule(get_task("binary"), ("NO", "YES"), targets, threshold={"YES": 0.3})
    weights = make_decision_rule(get_task("binary"), ("0", "1"), targets, class_weights={1.0: 3})
    assert weights == make_decision_rule(get_task("binary"), ("0", "1"), targets, class_weights={"1": 3})


def test_letter_case_counts_where_it_is_kept():
    with pytest.raises(OptionError, match="'yes'"):
        make_decision_rule(
            get_task("binary"), ("NO", "YES"), np.eye(2), threshold={"yes": 0.3}, label_rule=LabelRule(keep_case=True)
        )


def test_weights_of_many_labels_are_said_in_short():
    labels, weights = [f"label {i}" for i in range(40)], tuple(1.0 + i for i in range(40))
    said = DecisionRule(weights=weights).sentence(MULTICLASS, labels)
    assert said.endswith("are label 39 40, label 38 39, label 37 38, … label 0 1 (40 in all).")
    assert len(DecisionRule(weights=weights).sentence(MULTILABEL, labels)) < 200
