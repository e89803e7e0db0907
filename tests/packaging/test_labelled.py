"""Labelled data for a saved model: its labels by its rule, and the type in which it gives them."""

from __future__ import annotations

import json
from copy import copy
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import accuracy_score, f1_score, recall_score
from tiny_bundle import make_bundle, make_schema
from tiny_texts import WordsPredictor, make_text_bundle

from headstart.core.decision import DecisionRule
from headstart.core.errors import BundleError, DataError
from headstart.core.label_rule import LabelRule
from headstart.data import load
from headstart.data.unreadable_items import without_unreadable
from headstart.packaging import load_bundle
from headstart.packaging.bundle_schema import label_rule_of
from headstart.packaging.labelled import known_to, load_for, outputs_for
from headstart.pipeline import prove_again

TEXTS = ["kiwi kiwi", "plum", "lime lime", "kiwi plum kiwi"] * 5
TRUE = ["about kiwi", "about plum", "about lime", "about kiwi"] * 5


@pytest.fixture(scope="module")
def words(tmp_path_factory):
    return load_bundle(make_text_bundle(tmp_path_factory.mktemp("labelled") / "words"))


def typed(folder, labels, rule):
    schema = make_schema(
        name="words", modality="text", labels=labels, columns={"input": "message", "target": "kind"}, label_rule=rule
    )
    return load_bundle(make_bundle(folder, predictor=WordsPredictor(), schema=schema, check_items=["kiwi", "lime"]))


def decided(bundle):
    """The bundle, deciding by a rule over the labels that it knows."""
    other = copy(bundle)
    other.decision = DecisionRule(weights=(1.0, 2.0, 1.0))
    return other


def table(kinds):
    return pd.DataFrame({"message": TEXTS, "kind": kinds})


def test_labels_are_found_however_they_are_written(words):
    dataset = load_for(words, table([kind.upper() + " " for kind in TRUE]), target="kind")
    assert dataset.labels == words.labels
    assert [dataset.labels[code] for code in dataset.codes] == TRUE
    assert "label-spelling" in {notice.kind for notice in dataset.notices}


def test_an_unknown_label_counts_as_wrong(words):
    kinds = ["about pear", "About Kiwi", *TRUE[2:]]
    dataset = load_for(words, table(kinds), target="kind")
    outputs = outputs_for(dataset, words.predict_proba(TEXTS))
    assert outputs.shape == dataset.targets.shape == (20, 4)
    assert not outputs[:, 3].any()
    figures = prove_again(words, table(kinds), target="kind", progress=None)
    assert figures["n_items"] == 20
    assert {score["name"]: score["value"] for score in figures["metrics"]}["accuracy"] == pytest.approx(18 / 20)
    [notice] = [notice for notice in figures["notices"] if notice["kind"] == "unseen-label"]
    assert "1 item has the label 'about pear'" in notice["message"]
    assert load_for(decided(words), table(kinds), target="kind").decision.weights == (1.0, 2.0, 1.0, 1.0)
    kept = known_to(words, dataset)
    assert (len(kept), kept.labels, kept.targets.shape) == (19, words.labels, (19, 3))


def test_means_over_labels_are_over_those_of_the_model(words):
    kinds = ["about pear", "About Kiwi", "about fig", *TRUE[3:]]
    data = table(kinds)
    figures = prove_again(words, data, target="kind", progress=None)
    value = {score["name"]: score["value"] for score in figures["metrics"]}
    true, predicted = [kind.lower() for kind in kinds], words.predict(list(data.message))
    over = {"labels": list(words.labels), "average": "macro"}
    assert value["balanced accuracy"] == pytest.approx(recall_score(true, predicted, **over))
    assert value["macro-F1"] == pytest.approx(f1_score(true, predicted, **over))
    assert value["macro-F1"] < 1  # what was predicted of unknown labels is a mistake of that prediction
    assert any("means over labels are over those that it knows" in notice["message"] for notice in figures["notices"])


def test_a_photo_or_text_that_cannot_be_read_counts_once():
    """`without_unreadable` counts what was set aside before."""
    dataset = replace(load((TEXTS, TRUE)), unreadable=(("a", "is empty"),))
    kept, places = without_unreadable(dataset, {3: "'x' is cut off."}, 0.1)
    assert (len(kept), len(places)) == (len(TEXTS) - 1, len(TEXTS) - 1)
    assert [one for one, _ in kept.unreadable] == ["a", dataset.ids[3]]
    assert [notice.message[:17] for notice in kept.notices if notice.kind == "unreadable"] == ["2 items set aside"]
    with pytest.raises(DataError, match="2 of the 21 items of .* at most 5 %"):
        without_unreadable(dataset, {3: "'x' is cut off."}, 0.05)


@pytest.mark.parametrize(
    ("labels", "cells"),
    [
        (("False", "True"), [0, 1]),
        (("False", "True"), ["0.0", "1.0"]),
        (("0", "1"), [False, True]),
        (("0", "1"), ["FALSE", "true"]),
    ],
)
def test_true_and_false_are_0_and_1_where_a_model_knows_nothing_else(labels, cells):
    kinds = [cells[i % 2] for i in range(20)]
    dataset = load((TEXTS, kinds), labels=labels)
    assert dataset.labels == labels
    assert dataset.codes.tolist() == [i % 2 for i in range(20)]
    assert any(f"is taken as the label, '{labels[1]}'" in notice.message for notice in dataset.notices)
    assert load((TEXTS, [cells[1]] * 20), labels=labels).codes.tolist() == [1] * 20
    with pytest.raises(DataError, match="none of the labels"):
        load((TEXTS, ["2", *kinds[1:]]), labels=labels)
    assert len(load((TEXTS, [1, True] * 10)).labels) == 2


def test_one_class_alone_can_be_proven(words):
    kiwis = table(TRUE)[[kind == "about kiwi" for kind in TRUE]]
    figures = prove_again(words, kiwis, target="kind", progress=None)
    assert figures["metrics"][0]["value"] == 1.0


def test_no_known_label_is_refused(words):
    with pytest.raises(DataError, match="has none of the labels that the model knows: 'about kiwi'"):
        load_for(words, table(["x", "y"] * 10), target="kind")


def test_letter_case_counts_where_it_did_when_the_model_was_fitted(tmp_path):
    model = typed(tmp_path / "m", ("a", "A", "b"), LabelRule(keep_case=True))
    dataset = load_for(model, table(["A", "b", "a", "B"] * 5))
    assert dataset.labels == ("a", "A", "b", "B")


@pytest.mark.parametrize(
    ("labels", "rule", "values"),
    [
        (("1", "2.0", "3"), LabelRule(type="int"), [1, 2, 3]),
        (("1.5", "2", "3"), LabelRule(type="float"), [1.5, 2.0, 3.0]),
        (("1", "2", "3"), LabelRule(), ["1", "2", "3"]),
    ],
)
def test_labels_come_back_with_their_type_and_metrics_take_them(tmp_path, labels, rule, values):
    model = typed(tmp_path / "m", labels, rule)
    true = [values[WORDS.index(text.split()[0])] for text in TEXTS]
    predicted = model.predict(TEXTS)
    assert predicted == true
    assert {type(one) for one in predicted} == {type(values[0])}
    if rule.type != "float":
        assert accuracy_score(true, predicted) == accuracy_score(pd.Series(true), predicted) == 1.0
    assert model.predictions(TEXTS[:1])[0].label == labels[0]
    assert model.decide(np.eye(3)) == [*labels]


WORDS = ("kiwi", "plum", "lime")


def test_truth_and_falsehood(tmp_path):
    model = typed(tmp_path / "m", ("False", "True", "3"), LabelRule(type="bool"))
    assert model.predict(["kiwi", "plum"]) == [False, True]
    assert model.predict(["kiwi", "plum"])[1] is True


@pytest.mark.parametrize(
    "described", [{"type": "complex"}, {"type": ["int"]}, {"type": "int"}, {"missing": 7}, [], "x"]
)
def test_a_rule_that_is_none_is_refused(described):
    with pytest.raises(BundleError, match="'label_rule' in the manifest is wrong"):
        label_rule_of({"labels": ["kiwi"], "label_rule": described})


def test_bundles_from_before_there_was_a_rule_have_the_usual_one():
    assert label_rule_of({"labels": ["kiwi"]}) == LabelRule()


def test_the_rule_is_in_the_manifest(tmp_path):
    model = typed(tmp_path / "m", ("1", "2", "3"), LabelRule(type="int", missing=("?",)))
    described = json.loads((tmp_path / "m" / "manifest.json").read_text())["label_rule"]
    assert described == {"keep_case": False, "missing": ["?"], "type": "int"}
    assert model.label_rule == LabelRule(type="int", missing=("?",))
