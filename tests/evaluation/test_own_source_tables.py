"""A table as the user's own source: columns are renamed, scaled and filled, in the model and in its graph."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from headstart.core.moments import Moments
from headstart.data import load
from headstart.data.column_profiles import profile_columns
from headstart.data.holdout import plan_splits
from headstart.engines.context import RunContext
from headstart.evaluation.experiment import Experiment
from headstart.heads.shrunk import solve
from headstart.onnx_graph.builder import GraphBuilder
from headstart.packaging.export import check_equal, export
from headstart.pipeline.own_sources import _models_of, match_own_source
from headstart.pipeline.pretraining import plain_columns
from headstart.sources.joint import JointSource
from headstart.sources.own_source import OwnSource

NAMES = ("age", "amount", "colour")


def rows_of(n, seed, names=NAMES, scale=1.0):
    rng = np.random.default_rng(seed)
    rows = []
    for _ in range(n):
        age, amount, colour = rng.normal(40, 10), rng.lognormal(3, 1), rng.choice(["red", "blue", "green"])
        score = (age - 40) / 5 - (np.log(amount) - 3) + 1.5 * (colour == "red") + rng.normal() * 0.7
        values = (round(age, 1), round(amount, 2) * scale, str(colour))
        rows.append({**dict(zip(names, values, strict=True)), "bought": "yes" if score > 0.5 else "no"})
    return rows


def source_of(rows):
    """Ridge on the plain columns of a table, as a source."""
    data = load(rows, target="bought")
    plain = plain_columns(data)
    coef, intercept = solve(plain.moments, 1.0)
    import onnx

    whole, graph = onnx.ModelProto.FromString(plain.graph), GraphBuilder()
    feeds = {
        one.name: graph.input(one.name, "float32", ["batch", one.type.tensor_type.shape.dim[1].dim_value])
        for one in whole.graph.input
    }
    columns = graph.inline(whole.graph, feeds, {})
    constants = (graph.constant(np.asarray(one, np.float32)) for one in (coef, intercept))
    graph.output(graph.op("Softmax", graph.op("Gemm", columns, *constants), axis=1), "outputs", "float32", ["batch", 2])
    return OwnSource(
        name="last year",
        task=data.task,
        fields=data.fields,
        labels=data.labels,
        graph=graph.model().SerializeToString(),
        input=plain.input,
        profiles=profile_columns(data),
        n_rows=len(data),
        plain=plain,
    )


@pytest.fixture(scope="module")
def source():
    return source_of(rows_of(150, 1))


def experiment_of(rows):
    dataset = load(rows, target="bought")
    dataset = replace(dataset, groups=np.arange(len(dataset)))
    return Experiment(
        dataset=dataset,
        features=np.zeros((len(dataset), 0)),
        source=JointSource(()),
        plan=plan_splits(dataset, dataset.groups, seed=0),
        head="auto",
        context=RunContext(),
    )


@pytest.mark.parametrize("way", ["as it is", "shrunk", "offset", "continued"])
def test_renamed_and_scaled_columns_give_what_the_sources_own_give(source, way):
    plain = experiment_of(rows_of(40, 2))
    renamed = experiment_of(rows_of(40, 2, ("Age", "amt_cents", "color"), 100.0))
    outputs = []
    for experiment, match in ((plain, None), (renamed, "amt_cents=amount*0.01")):
        matched = match_own_source(experiment.dataset, source, match)
        assert matched.matches.n_matched == 3, matched.matches.table()
        (model,) = _models_of(matched, (way,))
        fitted = model.fit(experiment, experiment.plan.final)
        outputs.append(fitted.outputs(np.arange(40)))
        predictor, items = fitted.predictor(), [experiment.dataset.items[i] for i in range(8)]
        assert check_equal(export(predictor, n_outputs=2), predictor, items) < 1e-4
    np.testing.assert_allclose(*outputs, atol=0.02 if way == "offset" else 1e-4)
    right = (outputs[0].argmax(axis=1) == plain.dataset.targets.argmax(axis=1)).mean()
    assert right > 0.7


def test_a_column_that_is_not_there_is_missing_in_the_graph_too(source):
    rows = [{name: value for name, value in row.items() if name != "colour"} for row in rows_of(30, 3)]
    experiment = experiment_of(rows)
    matched = match_own_source(experiment.dataset, source)
    assert matched.matches.unmatched_source == ("colour",)
    (model,) = _models_of(matched, ("as it is",))
    predictor = model.fit(experiment, experiment.plan.final).predictor()
    assert check_equal(export(predictor, n_outputs=2), predictor, rows[:8]) < 1e-4


def test_the_moments_are_of_the_rows(source):
    data = load(rows_of(150, 1), target="bought")
    assert isinstance(source.plain.moments, Moments)
    assert source.plain.moments.weight == len(data)


def test_trees_that_go_on_from_the_source_are_in_the_graph(source):
    rows = rows_of(120, 4)
    for row in rows:  # what the source does not know
        row["bought"] = row["bought"] if row["amount"] < 20 else ("no" if row["bought"] == "yes" else "yes")
    experiment = experiment_of(rows)
    (model,) = _models_of(match_own_source(experiment.dataset, source), ("continued",))
    final = experiment.plan.final
    fitted = model.fit(experiment, final)
    assert model.taken[final.tobytes()].share > 0.5
    predictor, items = fitted.predictor(), [experiment.dataset.items[i] for i in range(16)]
    assert len(predictor.network.scorers) == 2
    assert check_equal(export(predictor, n_outputs=2), predictor, items) < 1e-4
    np.testing.assert_allclose(predictor.predict(items), fitted.outputs(np.arange(16)), atol=1e-6)
