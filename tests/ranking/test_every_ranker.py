"""The published checks of every ranker, and what is known of the built-in ones beyond them."""

from __future__ import annotations

import numpy as np
import pytest

import tiny
from headstart.core.registry import get
from headstart.core.tasks import get_task
from headstart.testing import checks_of
from headstart.testing.small_data import directions

CARD = tiny.card("static-embeddings")


def make_problem(task="multiclass", **settings):
    return directions(get_task(task), **settings)


@pytest.mark.parametrize("check", checks_of("rankers"), ids=str)
def test_every_ranker(check):
    check()


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

    assert {card.name for card in cards() if not card.is_in_context} <= set(Prior().points)
    assert Prior(points={"a": -4.0, "b": 0.0}).of("unheard") == pytest.approx(-0.02)
