"""Linear discriminant analysis in the span of the items, against its definition."""

import numpy as np
import pytest

from headstart.core.tasks import get_task
from headstart.heads.lda import LinearDiscriminant
from headstart.testing.small_data import directions


def defined_scores(problem, shrinkage, features):
    """Scores by the inverse of the shrunken covariance of all features."""
    root = lambda x: np.sign(x) * np.sqrt(np.abs(x))  # noqa: E731
    x, targets = root(problem.features), problem.targets
    means = (targets / targets.sum(axis=0)).T @ x
    deviations = x - targets @ means
    covariance = deviations.T @ deviations / (len(x) - targets.shape[1])
    spherical = np.trace(covariance) / len(covariance)
    inverse = np.linalg.inv((1 - shrinkage) * covariance + shrinkage * spherical * np.eye(len(covariance)))
    means = means - x.mean(axis=0)
    coef = inverse @ means.T
    return (root(features) - x.mean(axis=0)) @ coef - 0.5 * np.sum(coef.T * means, axis=1)


@pytest.mark.parametrize(("n", "d"), [(60, 12), (30, 80)])
@pytest.mark.parametrize("shrinkage", [0.1, 0.8])
def test_scores_are_those_of_the_definition(n, d, shrinkage):
    problem = directions(get_task("multiclass"), n=n, d=d)
    fit = LinearDiscriminant(shrinkages=(shrinkage,)).fit(problem)
    new = np.random.default_rng(1).normal(size=(9, d))
    np.testing.assert_allclose(fit.head.scores(new), defined_scores(problem, shrinkage, new), atol=1e-6)
    held_out = fit.held_out(np.arange(n) // 10)
    train = np.arange(10, n)
    expected = defined_scores(problem.take(train), shrinkage, problem.features[:10])
    np.testing.assert_allclose(held_out[:10], expected, atol=1e-6)
