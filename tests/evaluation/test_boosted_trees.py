"""Boosted trees as arrays predict what scikit-learn's do, in NumPy and in a graph; codes of categories leak nothing."""

import math
from contextlib import nullcontext
from dataclasses import replace

import numpy as np
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

from headstart.core.dataset import Dataset, Field
from headstart.core.tasks import get_task
from headstart.data.packed_columns import Categories, Numbers
from headstart.data.rows import Rows
from headstart.engines.context import RunContext
from headstart.engines.events import ProgressMade
from headstart.engines.reporters import SilentReporter
from headstart.evaluation import histogram_boosting, tree_baseline
from headstart.evaluation.baselines.boosted_trees import BoostedTrees
from headstart.evaluation.boosted_columns import n_growths
from headstart.evaluation.histogram_boosting import HISTOGRAMS, Shape, boost
from headstart.evaluation.target_codes import code_table, cross_fitted_codes, spread_folds
from headstart.evaluation.tree_baseline import fit_tree_baseline
from headstart.onnx_graph.builder import GraphBuilder
from headstart.onnx_graph.session import open_session
from headstart.storage.result_cache import ResultCache
from headstart.testing.baselines import run_graph

SHAPE = Shape(leaves=8, least=5, l2=1.0, features=1.0)
K = {"binary": 2, "multiclass": 4, "multilabel": 3, "regression": 1}


def rows_and_targets(task, n=300, seed=0):
    """Rows with gaps, of which the targets depend on the gaps too."""
    rng = np.random.default_rng(seed)
    rows = rng.normal(size=(n, 6)).astype(np.float32)
    rows[:, 1] = np.round(rows[:, 1])
    rows[rng.random(rows.shape) < 0.2] = np.nan
    signal = np.nan_to_num(rows[:, 0], nan=2.0) + np.nan_to_num(rows[:, 1], nan=-1.5)
    if task == "regression":
        return rows, signal[:, None]
    if task == "multilabel":
        return rows, np.stack([signal > 0, signal < -1, np.isnan(rows[:, 2])], axis=1).astype(float)
    return rows, np.eye(K[task])[np.digitize(signal, [0.0] if task == "binary" else [-1.0, 0.0, 1.5])]


def reference(task, rows, targets):
    """Raw scores of scikit-learn's own models."""
    options = {
        "learning_rate": 0.1,
        "max_iter": 20,
        "max_leaf_nodes": 8,
        "min_samples_leaf": 5,
        "l2_regularization": 1.0,
        "early_stopping": False,
        "random_state": 0,
    }
    if task == "regression":
        model = HistGradientBoostingRegressor(**options).fit(rows, targets[:, 0])
        return lambda asked: model.predict(asked)[:, None]
    if task == "multilabel":
        models = [HistGradientBoostingClassifier(**options).fit(rows, label) for label in targets.T]
        return lambda asked: np.stack([model.predict_proba(asked)[:, 1] for model in models], axis=1)
    model = HistGradientBoostingClassifier(**options).fit(rows, targets.argmax(axis=1))
    return model.predict_proba


@pytest.mark.parametrize("task", K)
def test_arrays_predict_what_scikit_learn_does_on_ten_thousand_rows_with_gaps(task):
    rows, targets = rows_and_targets(task)
    asked, _ = rows_and_targets(task, n=10_000, seed=1)
    asked[:50] = np.nan
    made = boost(rows, targets, get_task(task), SHAPE, stages=20, rate=0.1, seed=0)
    found = get_task(task).outputs(made.staged(asked, [20])[0])
    np.testing.assert_allclose(found, reference(task, rows, targets)(asked), atol=1e-5)
    np.testing.assert_allclose(made.first(7).staged(asked[:99], [7]), made.staged(asked[:99], [7]), atol=1e-12)
    graph = GraphBuilder()
    sums = made.trees.extend(graph, graph.input("rows", "float32", ["batch", 6]))
    graph.output(sums, "sums", "float32", ["batch", made.trees.n_targets])
    found = open_session(graph.model().SerializeToString(), threads=1).run(None, {"rows": asked})[0]
    np.testing.assert_allclose(found, made.trees.predict(asked), atol=1e-5)


def test_classes_that_do_not_occur_are_the_least_likely():
    rows, _ = rows_and_targets("binary", n=60)
    for seen in ([1], [0, 2], [0, 2, 3]):
        codes = np.array(seen)[np.arange(60) % len(seen)]
        made = boost(rows, np.eye(4)[codes], get_task("multiclass"), SHAPE, stages=3, rate=0.1, seed=0)
        scores = made.staged(rows, [3])[0]
        others = np.setdiff1d(np.arange(4), seen)
        assert (scores[:, others].max(axis=1) < scores[:, seen].min(axis=1)).all()


def table(n, task, seed=0, n_cities=40):
    rng = np.random.default_rng(seed)
    city, kind, age = rng.integers(0, n_cities, n), rng.integers(0, 3, n), rng.normal(40, 12, n)
    signal = (city % 2) * 2.0 + (kind == 1) + (age > 45) - 1.8 + rng.normal(0, 0.3, n)
    age[::9] = np.nan
    if task == "regression":
        targets = 1e6 + 1e5 * signal[:, None]
    elif task == "multilabel":
        targets = np.stack([signal > 0, kind == 2, age > 50], axis=1).astype(float)
    else:
        targets = np.eye(K[task])[np.digitize(signal, [0.0] if task == "binary" else [-1.0, 0.0, 1.0])]
    items = Rows(
        {
            "age": Numbers(age),
            "city": Categories.of([f"city {c}" for c in city]),
            "kind": Categories.of(["" if c == 2 else f"kind {c}" for c in kind]),
            "seen": Numbers(rng.uniform(0, 1e9, n)),
        }
    )
    fields = (Field("age", "number"), Field("city", "category"), Field("kind", "category"), Field("seen", "date"))
    return Dataset(
        name="d",
        modality="row",
        task=task,
        fields=fields,
        items=items,
        ids=[str(i) for i in range(n)],
        targets=targets,
        labels=tuple(f"l{i}" for i in range(targets.shape[1])),
    )


def fitted(data, index):
    return BoostedTrees().fit(data, index, context=RunContext(seed=0, cache=ResultCache(None)))


@pytest.mark.parametrize("task", K)
def test_it_learns_from_numbers_gaps_and_many_levels_and_a_graph_agrees(task):
    data = table(500, task)
    model = fitted(data, np.arange(400))
    asked = [*data.items[400:], {"age": math.nan, "city": "new", "kind": "new", "seen": math.nan}]
    outputs = model.predict(asked)
    np.testing.assert_allclose(run_graph(model, asked), outputs, atol=1e-5, rtol=1e-5)
    losses = data.task_spec.losses(outputs[:-1], data.targets[400:])
    constant = np.broadcast_to(data.targets[:400].mean(axis=0), (100, K[task]))
    assert losses.mean() < 0.75 * data.task_spec.losses(constant, data.targets[400:]).mean()


@pytest.mark.parametrize("n", [1, 2, 3, 12])
@pytest.mark.parametrize("task", K)
def test_few_rows_are_enough(task, n):
    data = table(30, task)
    outputs = fitted(data, np.arange(n)).predict(data.items)
    assert outputs.shape == data.targets.shape
    assert np.isfinite(outputs).all()


def test_columns_that_say_nothing_are_no_error():
    data = table(40, "binary")
    for items in (
        {"age": Numbers(np.full(40, np.nan)), "city": Categories.of([""] * 40), "kind": Categories.of(["x"] * 40)},
        {"age": Numbers(np.full(40, 1.0)), "city": Categories.of([""] * 40), "kind": Categories.of([""] * 40)},
    ):
        held = Dataset(**{**vars(data), "fields": data.fields[:3], "items": Rows(items)})
        assert np.ptp(fitted(held, np.arange(30)).predict(held.items), axis=0).max() < 1e-6
    held = Dataset(
        **{**vars(data), "fields": data.fields[1:2], "items": Categories.of([""] * 40), "modality": "category"}
    )
    assert np.isfinite(fitted(held, np.arange(30)).predict(held.items)).all()


def test_codes_of_a_row_are_learned_from_other_groups_alone():
    """A planted leak: the target of one row is changed, and neither its own code nor those of its group may move."""
    rng = np.random.default_rng(0)
    places, targets = rng.integers(0, 6, (60, 2)), rng.normal(size=(60, 1))
    groups = np.arange(60) // 3
    folds = spread_folds(groups, targets, 5, 0)
    before = cross_fitted_codes(places, 6, targets, folds, 5.0)
    for row in (0, 17, 59):
        changed = targets.copy()
        changed[row] += 100
        after = cross_fitted_codes(places, 6, changed, folds, 5.0)
        same_group = groups == groups[row]
        np.testing.assert_array_equal(after[same_group], before[same_group])
        assert not np.array_equal(after, before)


def test_an_identifier_that_tells_only_the_rows_that_were_learned_from_is_not_believed():
    """Every level comes twice with one random target: codes that were not cross-fitted would seem to tell it all."""
    rng = np.random.default_rng(0)
    n = 400
    data = table(n, "binary")
    ids = Categories.of([f"id {i // 2}" for i in range(n)])
    targets = np.eye(2)[np.repeat(rng.integers(0, 2, n // 2), 2)]
    held = Dataset(
        **{
            **vars(data),
            "fields": data.fields[1:2],
            "items": ids,
            "targets": targets,
            "modality": "category",
            "groups": np.arange(n) // 2,
        }
    )
    outputs = fitted(held, np.arange(200)).predict(held.items)
    test_loss = held.task_spec.losses(outputs[200:], targets[200:]).mean()
    assert test_loss < math.log(2) + 0.02


def test_what_is_held_out_changes_nothing():
    data = table(300, "binary")
    model = fitted(data, np.arange(200))
    targets = data.targets.copy()
    targets[200:] = targets[200:, ::-1]
    same = fitted(Dataset(**{**vars(data), "targets": targets}), np.arange(200))
    np.testing.assert_array_equal(model.predict(data.items), same.predict(data.items))


def test_the_code_of_a_rare_level_is_near_the_mean():
    codes = code_table(np.array([[0], [0], [1]] * 20 + [[2]]), 4, np.array([[0.0], [0.0], [1.0]] * 20 + [[1.0]]), 5.0)[
        :, 0
    ]
    mean = 21 / 61
    expected = np.array([5 * mean / 45, (20 + 5 * mean) / 25, (1 + 5 * mean) / 6, mean]) - mean
    np.testing.assert_allclose(codes, expected, atol=1e-6)


def test_probabilities_of_a_rare_class_are_calibrated():
    rng = np.random.default_rng(0)
    n = 30_000
    x = rng.normal(size=(n, 3))
    probability = 1 / (1 + np.exp(-(2.0 * x[:, 0] - 7.0)))  # about 0.6 %
    targets = np.eye(2)[(rng.random(n) < probability).astype(int)]
    data = Dataset(
        name="d",
        modality="row",
        task="binary",
        fields=tuple(Field(f"x{i}", "number") for i in range(3)),
        items=Rows({f"x{i}": Numbers(x[:, i]) for i in range(3)}),
        ids=[str(i) for i in range(n)],
        targets=targets,
        labels=("no", "yes"),
    )
    outputs = fitted(data, np.arange(15_000)).predict(data.items[15_000:])[:, 1]
    likeliest = np.argsort(outputs)[-300:]
    expected, found = outputs[likeliest].mean(), probability[15_000:][likeliest].mean()
    assert abs(expected - found) < 0.3 * found
    assert abs(outputs.mean() - probability[15_000:].mean()) < 0.3 * probability.mean()


def test_hundreds_of_classes_are_grown_in_as_few_rounds_as_there_is_time_for_and_the_note_says_it():
    plan = HISTOGRAMS.plan(3_000, 500)
    assert plan.stages * 500 <= 5_000
    assert len(plan.shapes) == 1
    assert plan.note == ", at most 6 rounds, as each takes 500 trees"
    assert n_growths(HISTOGRAMS, np.arange(3_000), 500) == 2
    assert HISTOGRAMS.plan(3_000, 10).note == ""


def test_as_many_classes_as_rows_raise_no_warning_of_the_library():
    rows = np.random.default_rng(0).normal(size=(60, 2)).astype(np.float32)
    targets = np.eye(40)[np.arange(60) % 40]
    grown = boost(rows, targets, get_task("multiclass"), SHAPE, stages=1, rate=0.1, seed=0)  # warnings are errors here
    assert len(grown.trees) == 40


class Listener(SilentReporter):
    def __init__(self):
        super().__init__()
        self.events = []

    def receive(self, event):
        self.events.append(event)


def many(n=4_000):
    return table(n, "binary")


def test_a_fit_on_more_rows_keeps_what_was_chosen_before_and_grows_once(monkeypatch):
    monkeypatch.setattr(tree_baseline, "_MANY_ROWS", 3_500)
    data, listener = many(), Listener()
    first = BoostedTrees().fit(data, np.arange(3_200), context=RunContext())
    again = BoostedTrees().refit(data, np.arange(4_000), first, context=RunContext(reporter=listener))
    assert repr(again.chosen) == repr(first.chosen)
    assert again.note == first.note
    assert not np.array_equal(again.network.trees.value, first.network.trees.value)
    counted = [(event.done, event.total) for event in listener.events if isinstance(event, ProgressMade)]
    assert counted == [(1, 1)]
    right = again.predict(data.items).argmax(axis=1) == data.codes
    assert right.mean() > 0.9


def test_a_fit_on_not_so_many_rows_chooses_anew_and_says_how_far_it_is():
    data, listener = many(), Listener()
    first = BoostedTrees().fit(data, np.arange(3_200), context=RunContext())
    again = BoostedTrees().refit(data, np.arange(4_000), first, context=RunContext(reporter=listener))
    counted = [(event.done, event.total) for event in listener.events if isinstance(event, ProgressMade)]
    assert counted == [(1, 3), (2, 3), (3, 3)]
    assert again.chosen is not None


@pytest.mark.parametrize("n", [60, 3_200])
def test_what_was_chosen_travels_through_the_cache(n, tmp_path):
    context = RunContext(cache=ResultCache(tmp_path))
    fits = [BoostedTrees().fit(many(), np.arange(n), context=context) for _ in range(2)]
    assert repr(fits[0].chosen) == repr(fits[1].chosen)
    assert (fits[0].chosen is None) == (n == 60)


def test_very_many_rows_are_sampled_the_rare_class_whole_and_probabilities_stay_true():
    rng = np.random.default_rng(0)
    age, rare = rng.normal(size=8_000), 0.02
    chance = 1 / (1 + np.exp(-(2 * age + np.log(rare))))
    targets = np.eye(2)[(rng.random(8_000) < chance).astype(int)]
    items = Rows({"age": Numbers(age), "noise": Numbers(rng.normal(size=8_000))})
    fields = (Field("age", "number"), Field("noise", "number"))
    data = replace(many(), fields=fields, items=items, targets=targets, ids=np.arange(8_000).astype(str))
    fitted = fit_tree_baseline(
        "boosted-trees", HISTOGRAMS, data, np.arange(8_000), context=RunContext(), max_rows=4_000
    )
    assert "4,000 of 8,000 rows" in fitted.note
    said = fitted.predict(items)[:, 1]
    assert said.mean() == pytest.approx(targets[:, 1].mean(), rel=0.15)


def test_one_thread_grows_trees_where_others_use_the_cores(monkeypatch):
    seen = []
    monkeypatch.setattr(histogram_boosting, "n_threads", lambda: 2)
    monkeypatch.setattr(histogram_boosting, "limit", lambda n: seen.append(n) or nullcontext())
    for quick, slow, expected in ((0.1, 0.15, [1]), (0.1, 1.0, [1, 1])):
        times = iter([quick, slow])
        monkeypatch.setattr(histogram_boosting, "_trial_s", lambda times=times: next(times))
        seen.clear()
        with histogram_boosting._threads(10_000):
            assert seen == expected
    seen.clear()
    with histogram_boosting._threads(100):
        assert not seen
