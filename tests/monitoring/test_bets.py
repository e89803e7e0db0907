"""Tests of `monitoring/bets.py`: the promise is a rate, so it is simulated."""

from __future__ import annotations

import numpy as np
import pytest

from headstart.monitoring.bets import Bets, all_bets
from headstart.monitoring.ranks import Ranks, bins_of, counts_of, edges_of, uniforms


def n_alarms(kind, reference, live, budget, seed=0):
    """Alarms of each of many streams, shape (n_streams,), and the place of the first, -1 for none."""
    edges = [edges_of(one) for one in reference]
    ranks = Ranks([counts_of(edge, one) for edge, one in zip(edges, reference, strict=True)])
    bets = Bets((kind,) * len(live))
    bins = np.stack([bins_of(edge, one) for edge, one in zip(edges, live, strict=True)], axis=1)
    ties = uniforms(seed, 0, live.shape[1], len(live))
    found = ranks.walk(bins, ties)
    counts, first = np.zeros(len(live)), np.full(len(live), -1)
    for i in range(live.shape[1]):
        steps = bets.ahead(found[i : i + 1])
        bets.go(steps, 1)
        hit = steps.values[0] >= budget
        counts += hit
        first = np.where(hit & (first < 0), i, first)
        bets.products[hit] = 0
    return counts, first


def test_weights_of_a_kind_are_one_and_factors_positive() -> None:
    bets = all_bets()
    np.testing.assert_allclose(np.sum([bet.weights for bet in bets], axis=0), 1)
    for bet in bets:
        assert min(1 + bet.rate * (end - bet.mean) for end in (0.0, 1.0)) > 0


@pytest.mark.parametrize(("kind", "n_reference"), [("loss", 60), ("loss", 500), ("value", 60), ("value", 500)])
def test_false_alarms_of_stable_streams_are_no_more_than_the_budget(kind: str, n_reference: int) -> None:
    """However few the reference holds: the upper end of the interval of the observed rate is below the stated one."""
    rng = np.random.default_rng(5)
    n_streams, n, budget = 150, 400, 400.0
    if kind == "loss":
        reference, live = ((rng.random((n_streams, size)) < 0.1) * 1.0 for size in (n_reference, n))
    else:
        reference, live = (rng.normal(size=(n_streams, size)) for size in (n_reference, n))
    counts, _ = n_alarms(kind, reference, live, budget)
    upper = counts.mean() + 1.96 * counts.std() / np.sqrt(n_streams)
    assert upper <= n / budget


def test_a_rise_of_the_errors_is_found() -> None:
    rng = np.random.default_rng(6)
    reference = (rng.random((60, 800)) < 0.1) * 1.0
    live = np.concatenate([rng.random((60, 300)) < 0.1, rng.random((60, 400)) < 0.25], axis=1) * 1.0
    _, first = n_alarms("loss", reference, live, 10_000.0)
    assert np.mean(first >= 300) > 0.95
    assert np.median(first[first >= 300]) - 300 < 200


def test_a_fall_of_the_errors_is_no_alarm() -> None:
    rng = np.random.default_rng(7)
    counts, _ = n_alarms("loss", (rng.random((40, 500)) < 0.3) * 1.0, (rng.random((40, 500)) < 0.1) * 1.0, 1_000.0)
    assert counts.sum() == 0


@pytest.mark.parametrize(("moved", "direction"), [(lambda x: x + 2, "higher"), (lambda x: x - 2, "lower"), (lambda x: 4 * x, "spread out"), (lambda x: x / 8, "drawn together")])  # fmt: skip
def test_the_direction_is_named_and_the_change_dated(moved, direction) -> None:
    rng = np.random.default_rng(8)
    reference = rng.normal(size=500)
    live = np.concatenate([rng.normal(size=200), moved(rng.normal(size=60))])
    edges = edges_of(reference)
    ranks, bets = Ranks([counts_of(edges, reference)]), Bets(("value",))
    ties = uniforms(0, 0, len(live), 1)
    steps = bets.ahead(ranks.walk(bins_of(edges, live)[:, None], ties))
    bets.go(steps, len(live))
    found, start = bets.finding(0)
    assert found == direction
    assert abs(start - 200) < 25


def test_steps_ahead_are_those_of_one_record_after_the_other() -> None:
    """However many are taken at once, and wherever one stops: the same numbers to the last bit, and ranks that are missing change nothing."""
    rng = np.random.default_rng(9)
    ranks = rng.random((90, 4))
    ranks[rng.random(ranks.shape) < 0.2] = np.nan
    kinds = ("value", "loss", "value", "loss")
    at_once, one_by_one = Bets(kinds), Bets(kinds)
    for start, n in ((0, 40), (40, 13), (53, 37)):
        at_once.go(at_once.ahead(ranks[start:90]), n)
    for row in ranks:
        is_there = ~np.isnan(row)
        factors = np.array([[1 + bet.rate * (shape_of(bet, p) - bet.mean) for bet in all_bets()] for p in row])
        runs = np.maximum(one_by_one.runs, 1)
        one_by_one.starts = np.where(
            is_there[:, None] & (one_by_one.runs < 1), one_by_one.n_values[:, None], one_by_one.starts
        )
        one_by_one.products = np.where(is_there[:, None], (one_by_one.products + 1) * factors, one_by_one.products)
        one_by_one.runs = np.where(is_there[:, None], runs * factors, one_by_one.runs)
        one_by_one.n_values = one_by_one.n_values + is_there
    for name in ("products", "runs", "starts", "n_values"):
        np.testing.assert_array_equal(getattr(at_once, name), getattr(one_by_one, name), err_msg=name)


def shape_of(bet, p):
    """What a bet looks at in a rank."""
    tails = (0.3, 0.1, 0.03, 0.01)
    return [p, abs(2 * p - 1), *(p > 1 - tail for tail in tails), *(p < tail for tail in tails)][bet.shape]
