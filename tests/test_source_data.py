"""Rows of another table beside the target's: matched, pooled, held out on the target alone, shipped as one graph."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from headstart.core.errors import OptionError
from headstart.data import load
from headstart.data.holdout import plan_splits
from headstart.engines.context import RunContext
from headstart.evaluation.experiment import Experiment
from headstart.packaging.export import check_equal, export
from headstart.pipeline.source_data import match_source_data
from headstart.sources.joint import JointSource
from tests.test_pretraining import rows_of

N = 60


def target_of(rows):
    dataset = load(rows, target="bought")
    return replace(dataset, groups=np.arange(len(dataset)))


def experiment_of(dataset):
    return Experiment(
        dataset=dataset,
        features=np.zeros((len(dataset), 0)),
        source=JointSource(()),
        plan=plan_splits(dataset, dataset.groups, seed=0),
        head="auto",
        context=RunContext(),
    )


def test_columns_are_matched_and_scaled():
    dataset = target_of(rows_of(N, 1, ("age", "amount", "colour"), 100.0))
    data = match_source_data(dataset, rows_of(200, 2, ("Age", "sum", "color")), "amount=sum*0.01,colour=color")
    assert data.matches.n_matched == 3
    theirs, ours = np.median(data.model.other.columns["amount"].array), np.median(dataset.values_of("amount").array)
    assert 0.5 < theirs / ours < 2


def test_a_column_that_is_not_there_is_missing():
    rows = [{"age": row["age"], "bought": row["bought"]} for row in rows_of(100, 2)]
    data = match_source_data(target_of(rows_of(N, 1)), [{**row, "other": i % 7 + 0.5} for i, row in enumerate(rows)])
    assert np.isnan(data.model.other.columns["amount"].array).all()
    assert set(data.model.other.columns["colour"]) == {""}


def test_rows_that_may_be_held_out_are_left_out():
    own = rows_of(N, 1)
    data = match_source_data(target_of(own), own[:20] + rows_of(100, 2))
    assert (data.n_same, data.n_rows) == (20, 100)
    assert "20 the same as one of yours" in data.sentence
    with pytest.raises(OptionError, match="no row of .* is left.*60 are the same"):
        match_source_data(target_of(own), own)


def test_rows_of_an_unknown_label_are_left_out():
    others = [{**row, "bought": "perhaps"} if i < 30 else row for i, row in enumerate(rows_of(150, 2))]
    data = match_source_data(target_of(rows_of(N, 1)), others)
    assert (data.n_other_labels, data.n_rows) == (30, 120)
    assert data.model.other.targets.shape == (120, 2)


def test_the_packed_graph_is_equal_to_the_model():
    dataset = target_of(rows_of(N, 1))
    experiment = experiment_of(dataset)
    model = match_source_data(dataset, rows_of(200, 2)).model
    fitted = model.fit(experiment, experiment.plan.final)
    items = [dataset.items[i] for i in range(16)]
    predictor = fitted.predictor()
    assert check_equal(export(predictor, n_outputs=2), predictor, items) < 1e-4
    np.testing.assert_allclose(predictor.predict(items), fitted.outputs(np.arange(16)), atol=1e-6)


def test_texts_alone_are_refused_with_the_remedy():
    texts = load({"text": [f"a note of number {i}" for i in range(20)], "bought": ["yes", "no"] * 10}, target="bought")
    with pytest.raises(OptionError, match="headstart pretrain DATA"):
        match_source_data(texts, rows_of(50, 2))


def test_a_table_without_a_like_column_is_refused():
    other = [{"wind": i * 1.5, "bought": "yes" if i % 2 else "no"} for i in range(40)]
    with pytest.raises(OptionError, match="--match target_column"):
        match_source_data(target_of(rows_of(N, 1)), [{**row, "rain": row["wind"] % 7} for row in other])
