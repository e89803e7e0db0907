"""A forecast is right on curves that follow a power law, and silent on those that do not."""

import itertools
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from headstart.core.dataset import Dataset
from headstart.core.report import Score
from headstart.core.tasks import get_task
from headstart.data.holdout import SplitPlan
from headstart.engines.context import RunContext
from headstart.evaluation.experiment import Experiment
from headstart.evaluation.learning_curve import (
    fit_power_law,
    forecast,
    learning_curve,
    nested_subsets,
    round_label_count,
)

ACCURACY, MAE = get_task("multiclass").metric("accuracy"), get_task("regression").metric("MAE")
SIZES = np.array([60, 120, 240, 480, 960])


def curve(values, width=0.02, sizes=SIZES):
    return [
        (int(n), Score(name="accuracy", value=v, low=v - width, high=v + width))
        for n, v in zip(sizes, values, strict=True)
    ]


@given(limit=st.floats(0.6, 1), amplitude=st.floats(0.5, 3), exponent=st.floats(0.3, 1.2))
def test_power_law_is_found(limit, amplitude, exponent):
    law = fit_power_law(SIZES, limit - amplitude * SIZES**-exponent, bound=1)
    assert law.at(2 * SIZES[-1]) == pytest.approx(limit - amplitude * (2.0 * SIZES[-1]) ** -exponent, abs=0.005)
    assert law.limit <= 1


def test_forecast_names_labels_that_suffice():
    law = 0.95 - 3 * SIZES**-0.5
    sentence = forecast(curve(law), ACCURACY)
    assert "points of accuracy, by the learning curve of the model." in sentence
    more, points = int(sentence.split()[1].replace(",", "")), float(sentence.split("for ")[1].split()[0])
    reached = 0.95 - 3 * (960.0 + more) ** -0.5 - law[-1]
    assert points / 100 * 0.8 < reached < points / 100 * 1.4


@pytest.mark.parametrize("values", [[0.8] * 5, [0.6, 0.75, 0.8, 0.801, 0.801], [0.85, 0.84, 0.83, 0.83, 0.83]])
def test_flat_curve_is_called_flat(values):
    assert "flat" in forecast(curve(values), ACCURACY)


@given(limit=st.floats(0.9, 1), amplitude=st.floats(0.5, 3), reached=st.floats(0.9, 1))
def test_no_more_is_promised_than_the_model_that_ships_lacks(limit, amplitude, reached):
    said = forecast(curve(limit - amplitude * SIZES**-0.5), ACCURACY, of="ridge", reached=reached)
    promised = re.search(r"([\d.]+) points? of accuracy", said)
    assert "ridge" in said or "little left to gain" in said
    assert promised is None or float(promised.group(1)) <= 100 * (1 - reached) + 0.05  # said with one decimal


def test_where_nothing_is_left_to_gain_it_is_said():
    law = 0.95 - 3 * SIZES**-0.5
    assert "little left to gain" in forecast(curve(law), ACCURACY, reached=0.998)


def test_uneven_curve_gives_no_forecast():
    assert "uneven" in forecast(curve([0.5, 0.9, 0.4, 0.8, 0.6]), ACCURACY)


def test_few_points_give_no_forecast():
    assert "Too few" in forecast(curve([0.5, 0.6], sizes=SIZES[:2]), ACCURACY)


def test_loss_is_forecast_in_per_cent():
    assert "less MAE" in forecast(curve(2 + 30 * SIZES**-0.5), MAE)


@pytest.mark.parametrize(("n", "rounded"), [(0.2, 1), (7.1, 8), (11, 11), (101, 110), (999, 1000)])
def test_label_counts_are_round(n, rounded):
    assert round_label_count(n) == rounded


def experiment(n=400, k=4, spread=1.0):
    rng = np.random.default_rng(0)
    codes = rng.integers(k, size=n)
    targets = np.eye(k)[codes]
    features = (rng.normal(size=(k, 20))[codes] + spread * rng.normal(size=(n, 20))).astype(np.float32)
    dataset = Dataset(
        name="blobs", modality="text", task="multiclass", items=[""] * n, ids=[str(i) for i in range(n)],
        targets=targets, labels=tuple("abcd"[:k]), groups=np.arange(n) // 2,
    )  # fmt: skip
    parts = np.arange(0, n, 4) + np.array([[0], [1]])
    test = np.sort(parts.ravel())
    train = np.setdiff1d(np.arange(n), test)
    plan = SplitPlan(kind="holdout", folds=((train, test),), final=np.arange(n), sentence="")
    return Experiment(
        dataset=dataset, features=features, source=None, plan=plan, head="auto", context=RunContext()
    )  # fmt: skip


def test_subsets_are_nested_and_keep_groups_whole():
    an_experiment = experiment()
    train = an_experiment.plan.folds[0][0]
    subsets = nested_subsets(train, an_experiment)
    assert len(subsets) == 5
    np.testing.assert_array_equal(subsets[-1], train)
    for small, large in itertools.pairwise(subsets):
        assert set(small) < set(large)
        outside = np.setdiff1d(train, small)
        assert not set(an_experiment.groups[small]) & set(an_experiment.groups[outside])


def test_curve_rises_on_blobs():
    found = learning_curve(experiment(spread=2.0), ACCURACY, head="ridge")
    values = [point["value"] for point in found.points]
    assert len(values) >= 4
    assert values[-1] > values[0]
    assert all(point["low"] <= point["value"] <= point["high"] for point in found.points)
    assert found.forecast.endswith(".")
    assert found == learning_curve(experiment(spread=2.0), ACCURACY, head="ridge")
