"""How far live records are from the reference: Fréchet distance of blocks of features, shift of single numbers, each with its interval."""

from __future__ import annotations

import math
from statistics import NormalDist
from typing import TYPE_CHECKING

import numpy as np

from headstart.core.student import student_t

if TYPE_CHECKING:
    from headstart.core.arrays import FloatArray
    from headstart.monitoring.history import History, Sums
    from headstart.monitoring.reference import Projection

_NORMAL = NormalDist()
_FARTHEST = 1e-4  # of a probability of superiority from 0 and 1


def frechet(mean: FloatArray, covariance: FloatArray, other_mean: FloatArray, other_covariance: FloatArray) -> float:
    """The squared Fréchet distance of two normal distributions.

    >>> frechet(np.zeros(2), np.eye(2), np.array([3.0, 4.0]), np.eye(2))
    25.0

    References
    ----------
    Dowson and Landau, The Fréchet distance between multivariate normal distributions, 1982.
    """
    values, vectors = np.linalg.eigh(covariance)
    root = (vectors * np.sqrt(np.maximum(values, 0))) @ vectors.T
    cross = np.linalg.eigvalsh(root @ other_covariance @ root)
    spread = np.trace(covariance) + np.trace(other_covariance) - 2 * np.sqrt(np.maximum(cross, 0)).sum()
    return float(((mean - other_mean) ** 2).sum() + max(0.0, float(spread)))


def block_distance(history: History, projection: Projection, *, seed: int = 0) -> tuple[float, float, float]:
    """The Fréchet distance along the projection, in its reference's standard deviations, and its 95 % interval.

    A distance of samples is too large even where nothing changed: by how much, is estimated by resampling both sides, and taken off.
    """
    scale = float(np.trace(projection.covariance)) or 1.0
    rng = np.random.default_rng(seed)
    name, n = projection.block, max(projection.n, 2)
    root = np.linalg.cholesky(projection.covariance + 1e-12 * scale * np.eye(len(projection.mean)))

    def live(sums: Sums) -> FloatArray:
        mean, covariance = _moments(sums, name)
        return np.concatenate([mean, covariance.ravel()])

    def distance(flat: FloatArray, mean: FloatArray, covariance: FloatArray) -> float:
        r = len(projection.mean)
        return frechet(mean, covariance, flat[:r], flat[r:].reshape(r, r)) / (float(np.trace(covariance)) or 1.0)

    found = distance(live(history.total()), projection.mean, projection.covariance)
    draws = []
    for flat in history.resampled(live, seed=seed)[::2]:
        noise = root @ rng.standard_normal((len(root), n)) if n <= 256 else None
        if noise is None:  # of many rows the moments are normal themselves
            mean = projection.mean + root @ rng.standard_normal(len(root)) / math.sqrt(n)
            wiggle = root @ rng.standard_normal((len(root), 256))
            covariance = projection.covariance + (wiggle @ wiggle.T / 256 - projection.covariance) * math.sqrt(256 / n)
        else:
            mean, covariance = projection.mean + noise.mean(axis=1), np.atleast_2d(np.cov(noise))
        draws.append(distance(flat, mean, covariance))
    low, high = np.quantile(draws, [0.025, 0.975])
    value = max(0.0, 2 * found - float(np.mean(draws)))
    ends = (max(0.0, 2 * found - float(high)), max(0.0, 2 * found - float(low)))
    return math.sqrt(value), math.sqrt(ends[0]), math.sqrt(max(ends[1], value))


def moment_sums(projected: FloatArray, name: str) -> Sums:
    """What `block_distance` needs of some records, shape (n, r)."""
    known = projected[~np.isnan(projected).any(axis=1)]
    return {
        f"n.{name}": np.array([float(len(known))]),
        f"sum.{name}": known.sum(axis=0),
        f"outer.{name}": known.T @ known,
    }


def _moments(sums: Sums, name: str) -> tuple[FloatArray, FloatArray]:
    n = max(float(sums[f"n.{name}"][0]), 1e-9)
    mean = sums[f"sum.{name}"] / n
    return mean, (sums[f"outer.{name}"] / n - np.outer(mean, mean)) * (n / (n - 1) if n > 1 else 1)


def shift_of(superiority: float) -> float:
    """The shift between two normal distributions, in standard deviations, of which one is larger with this probability.

    >>> round(shift_of(0.5), 3), round(shift_of(0.76), 2)
    (0.0, 1.0)
    """
    return math.sqrt(2) * _NORMAL.inv_cdf(min(max(superiority, _FARTHEST), 1 - _FARTHEST))


def with_interval(value: float, variance: float, n_blocks: int) -> tuple[float, float, float]:
    """A figure and its 95 % interval by Student's t with one degree less than there are blocks."""
    margin = student_t(max(1, n_blocks - 1)) * math.sqrt(max(variance, 0.0))
    return value, value - margin, value + margin
