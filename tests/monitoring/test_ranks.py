"""Tests of `monitoring/ranks.py`."""

from __future__ import annotations

import numpy as np
import pytest

from headstart.monitoring.ranks import Ranks, bins_of, counts_of, edges_of, uniforms


@pytest.mark.parametrize("n_reference", [20, 400])
@pytest.mark.parametrize("kind", ["normal", "binary", "heavy"])
def test_ranks_of_a_stable_stream_are_uniform_and_independent(kind: str, n_reference: int) -> None:
    rng = np.random.default_rng(1)
    draws = {
        "normal": lambda *size: rng.normal(size=size),
        "binary": lambda *size: (rng.random(size) < 0.1) * 1.0,
        "heavy": lambda *size: rng.standard_cauchy(size),
    }[kind]
    n_streams, n = 200, 60
    references, live = draws(n_streams, n_reference), draws(n_streams, n)
    edges = [edges_of(one) for one in references]
    ranks = Ranks([counts_of(edge, one) for edge, one in zip(edges, references, strict=True)])
    bins = np.stack([bins_of(edge, one) for edge, one in zip(edges, live, strict=True)], axis=1)
    ties = uniforms(3, 0, n, n_streams)
    found = ranks.walk(bins, ties)
    cells = np.bincount((found * 10).astype(int).ravel(), minlength=10) / found.size
    np.testing.assert_allclose(cells, 0.1, atol=0.012)
    assert abs(np.corrcoef(found[:-1].ravel(), found[1:].ravel())[0, 1]) < 0.03


def test_a_missing_value_has_no_rank_and_is_not_counted() -> None:
    edges = edges_of(np.array([1.0, 2.0]))
    ranks = Ranks([counts_of(edges, np.array([1.0, 2.0]))])
    before = ranks.below.copy()
    assert np.isnan(ranks.walk(bins_of(edges, np.array([[np.nan]])), np.array([[0.5]])))
    np.testing.assert_array_equal(ranks.below, before)


def test_a_value_counts_in_its_bin_alone() -> None:
    edges = np.array([1.0, 2.0])
    ranks = Ranks([counts_of(edges, np.array([1.0, 2.0]))])
    ranks.walk(bins_of(edges, np.array([[1.5]])), np.array([[0.5]]))
    np.testing.assert_array_equal(np.diff(ranks.below[0]), [0, 1, 1, 1, 0])


def test_each_value_is_ranked_among_the_reference_and_those_before_it() -> None:
    rng = np.random.default_rng(2)
    reference, live = rng.integers(0, 6, 30) * 1.0, rng.integers(-1, 8, 50) * 1.0
    live[rng.random(50) < 0.2] = np.nan
    edges, ties = edges_of(reference), rng.random((50, 1))
    found = Ranks([counts_of(edges, reference)]).walk(bins_of(edges, live)[:, None], ties)[:, 0]
    for i, value in enumerate(live):
        known = np.append(reference, live[:i][~np.isnan(live[:i])])
        bins, mine = bins_of(edges, known), bins_of(edges, np.array([value]))
        expected = ((bins < mine).sum() + ties[i, 0] * ((bins == mine).sum() + 1)) / (len(known) + 1)
        np.testing.assert_equal(found[i], np.nan if np.isnan(value) else expected)


def test_edges_stay_few_and_hold_what_is_frequent() -> None:
    values = np.concatenate([np.zeros(500), np.random.default_rng(0).normal(size=5000)])
    edges = edges_of(values)
    assert len(edges) <= 64
    assert 0.0 in edges
    assert (np.diff(edges) > 0).all()
