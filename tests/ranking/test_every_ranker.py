"""The promises of every ranker, a plugin's too."""

from __future__ import annotations

import numpy as np
import pytest

import tiny
from headstart.core.registry import get, names
from headstart.heads.problem import Problem

RANKERS = names("rankers")
BLIND = ("chance", "prior")  # they look at no features
TASKS = ("binary", "multiclass", "multilabel", "regression")
CARD = tiny.card("static-embeddings")


def make_problem(task="multiclass", n=90, d=12, separation=3.0, seed=0, n_per_group=1):
    """Features in which the targets lie along some axes, `separation` standard deviations apart."""
    rng = np.random.default_rng(seed)
    if task == "regression":
        targets = rng.normal(size=(n, 1))
    elif task == "multilabel":
        targets = rng.integers(0, 2, size=(n, 3)).astype(float)
    else:
        k = 2 if task == "binary" else 3
        targets = np.eye(k)[np.arange(n) % k]
    directions = np.linalg.qr(rng.normal(size=(d, d)))[0][: targets.shape[1]]
    features = rng.normal(size=(n, d)) + separation * targets @ directions
    return Problem(features=features, targets=targets, task=task, groups=np.arange(n) // n_per_group)


def rearranged(problem, order):
    return Problem(
        features=problem.features[order],
        targets=problem.targets[order],
        task=problem.task,
        groups=problem.groups[order],
        seed=problem.seed,
    )


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("name", RANKERS)
class TestEveryRanker:
    def test_rates_by_a_finite_number(self, name, task):
        assert np.isfinite(get("rankers", name)().score_source(make_problem(task), CARD).value)

    def test_the_order_of_rows_does_not_matter(self, name, task):
        problem, ranker = make_problem(task), get("rankers", name)()
        order = np.random.default_rng(1).permutation(len(problem.targets))
        again = ranker.score_source(rearranged(problem, order), CARD)
        assert again.value == pytest.approx(ranker.score_source(problem, CARD).value, abs=1e-6)

    def test_is_the_same_twice_and_leaves_its_inputs_alone(self, name, task):
        problem, ranker = make_problem(task), get("rankers", name)()
        before = problem.features.copy(), problem.targets.copy()
        assert ranker.score_source(problem, CARD).value == ranker.score_source(problem, CARD).value
        np.testing.assert_array_equal(problem.features, before[0])
        np.testing.assert_array_equal(problem.targets, before[1])

    def test_outputs_have_the_shape_of_the_targets(self, name, task):
        outputs = get("rankers", name)().score_source(make_problem(task), CARD).outputs
        assert outputs is None or outputs.shape == make_problem(task).targets.shape

    def test_a_copy_in_the_own_group_gives_nothing_away(self, name, task):
        """Items that are doubled within their group are rated no better than noise is."""
        problem = make_problem(task, n=60, separation=0.0)
        twice = np.repeat(np.arange(60), 2)
        doubled = rearranged(problem, twice)
        rating = get("rankers", name)().score_source(doubled, CARD)
        if rating.outputs is not None:
            single = get("rankers", name)().score_source(problem, CARD)
            assert rating.value < single.value + 0.15


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("name", [name for name in RANKERS if name not in BLIND])
def test_separable_features_rank_above_noise(name, task):
    ranker = get("rankers", name)()
    values = [ranker.score_source(make_problem(task, separation=s), CARD).value for s in (0.0, 1.0, 4.0)]
    assert values == sorted(values)
    assert values[0] < values[-1]


def test_neighbours_are_those_that_scikit_learn_finds():
    from sklearn.neighbors import KNeighborsClassifier

    problem = make_problem(n=60, separation=1.5)
    x = problem.features - problem.features.mean(axis=0)
    codes = problem.targets.argmax(axis=1)
    expected = np.empty_like(problem.targets)
    for i in range(60):
        others = np.arange(60) != i
        model = KNeighborsClassifier(5, metric="cosine").fit(x[others], codes[others])
        expected[i] = (5 * model.predict_proba(x[[i]])[0] + problem.targets.mean(axis=0)) / 6
    np.testing.assert_allclose(get("rankers", "neighbours")().votes(problem), expected, atol=1e-9)


def test_the_closed_form_of_ridge_equals_refitting_without_the_group():
    from headstart.heads.ridge import Ridge, RidgePath

    problem = make_problem("regression", n=24, d=5, n_per_group=3)
    fit = Ridge(transforms=("power",), scaled_transforms=()).fit(problem)
    scores = fit.held_out(problem.groups)
    for group in np.unique(problem.groups):
        rest = problem.take(np.flatnonzero(problem.groups != group))
        path = RidgePath.of(rest, "power", scaled=False)
        mine = problem.groups == group
        np.testing.assert_allclose(scores[mine], path.head(fit.penalty).scores(problem.features[mine]), atol=1e-8)


def test_h_score_is_the_trace_that_its_paper_gives():
    problem = make_problem(n=4000, d=4)
    x = problem.features - problem.features.mean(axis=0)
    means = np.stack([x[problem.targets[:, k] == 1].mean(axis=0) for k in range(3)])
    between = (means.T * problem.targets.mean(axis=0)) @ means
    expected = np.trace(np.linalg.solve(x.T @ x / len(x), between))
    assert get("rankers", "h-score")().score_source(problem, CARD).value == pytest.approx(expected, rel=0.02)


def test_logme_is_the_largest_evidence_of_a_gaussian():
    """On a grid of both precisions, the density of the targets is nowhere higher."""
    problem = make_problem("regression", n=30, d=4)
    x, y = problem.features, problem.targets[:, 0]
    best = max(
        -0.5 * (np.linalg.slogdet(c)[1] + y @ np.linalg.solve(c, y) + 30 * np.log(2 * np.pi))
        for alpha in np.geomspace(0.01, 100, 60)
        for beta in np.geomspace(0.1, 100, 60)
        for c in [np.eye(30) / beta + x @ x.T / alpha]
    )
    assert get("rankers", "logme")().score_source(problem, CARD).value == pytest.approx(best / 30, abs=0.01)


def test_what_an_item_adds_to_logme_is_its_density_given_those_before_it():
    """Item by item by the conditional normal distribution, from the covariance that the whole has."""
    from headstart.ranking.rankers.logme import LogME

    problem = make_problem("regression", n=12, d=30, separation=1.0)
    x, y = problem.features, problem.targets[:, 0]
    eigenvalues, u = np.linalg.eigh(x @ x.T)
    alpha, beta = LogME()._precisions(eigenvalues, u.T @ y)
    covariance = x @ x.T / alpha + np.eye(12) / beta
    expected = np.empty(12)
    for i in range(12):
        weights = np.linalg.solve(covariance[:i, :i], covariance[:i, i])
        variance = covariance[i, i] - weights @ covariance[:i, i]
        expected[i] = -0.5 * ((y[i] - weights @ y[:i]) ** 2 / variance + np.log(2 * np.pi * variance))
    rating = LogME().score_source(problem, CARD)
    np.testing.assert_allclose(rating.by_item, expected, atol=1e-6)
    assert rating.value == pytest.approx(expected.mean())


@pytest.mark.usefixtures("cache")  # which has no sources of a user's own
def test_every_card_has_its_place_in_the_prior():
    from headstart.ranking.rankers.prior import Prior
    from headstart.sources import cards

    assert {card.name for card in cards()} <= set(Prior().points)
    assert Prior(points={"a": -4.0, "b": 0.0}).of("unheard") == pytest.approx(-0.02)
