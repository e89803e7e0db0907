"""Tests of `monitoring/estimating.py`, `distance.py` and `history.py`."""

from __future__ import annotations

import numpy as np
import pytest
from tiny_watch import LABELS, draw, features_of, reference

from headstart.monitoring import FalseAlarms, Monitor
from headstart.monitoring.distance import frechet, shift_of
from headstart.monitoring.estimating import calibrated, solve_shares
from headstart.monitoring.history import MAX_BLOCKS, History


def test_the_accuracy_is_estimated_without_labels_where_the_records_shift() -> None:
    """Farther from the border the answers are surer, and right more often."""
    items, outputs, labels = draw(1500, seed=1, shift=1.5)
    monitor = Monitor(reference(1500), FalseAlarms.parse("1/1000"))
    monitor.observe(None, items, outputs)
    right = np.mean([LABELS[int(p > 0.5)] == label for p, label in zip(outputs[:, 1], labels, strict=True)])
    estimated = monitor.verdict().accuracy["estimated"]
    assert estimated.low <= right <= estimated.high
    assert abs(estimated.value - right) < 0.03
    assert right > estimated.reference + 0.03


def test_shares_of_labels_are_estimated_where_these_alone_changed() -> None:
    items, outputs, labels = draw(6000, seed=2)
    is_yes = np.array([label == "yes" for label in labels])
    chosen = np.concatenate([np.flatnonzero(is_yes)[:1600], np.flatnonzero(~is_yes)[:400]])
    chosen = np.random.default_rng(0).permutation(chosen)
    monitor = Monitor(reference(3000), FalseAlarms.parse("1/1000"))
    monitor.observe(None, [items[i] for i in chosen], outputs[chosen])
    yes = monitor.verdict().label_shares["yes"]
    assert yes.low <= 0.8 <= yes.high
    assert yes.value == pytest.approx(0.8, abs=0.08)


def test_solved_shares_are_shares() -> None:
    rng = np.random.default_rng(3)
    confusion = rng.dirichlet(np.ones(6), size=6) + 2 * np.eye(6)
    confusion /= confusion.sum(axis=1, keepdims=True)
    shares = rng.dirichlet(np.ones(6))
    np.testing.assert_allclose(solve_shares(confusion, confusion.T @ shares), shares, atol=1e-3)
    found = solve_shares(confusion, np.array([1.0, 0, 0, 0, 0, 0]))
    assert found.sum() == pytest.approx(1)
    assert found.min() >= 0


def test_calibration_never_falls() -> None:
    found = calibrated(reference(), np.linspace(0.5, 1, 50))
    assert (np.diff(found) >= 0).all()


def test_the_distance_of_a_block_is_that_of_its_features() -> None:
    assert frechet(np.zeros(1), np.eye(1), np.zeros(1), 4 * np.eye(1)) == pytest.approx(1.0)
    found = {}
    for shift in (0.0, 1.0):
        monitor = Monitor(reference(), FalseAlarms.parse("1/1000"), features_of=features_of)
        monitor.observe(None, *draw(800, seed=4, shift=shift)[:2])
        found[shift] = next(one for one in monitor.verdict().changes if one.name == "net features")
    assert found[0.0].low == 0.0
    assert found[0.0].change < 0.15
    assert found[1.0].change == pytest.approx(
        1 / np.sqrt(2), abs=0.12
    )  # one of two directions of variance 1 moved by 1
    assert found[1.0].low < found[1.0].change < found[1.0].high
    assert found[1.0].size == "moved"


def test_a_shift_of_ranks_is_one_of_standard_deviations() -> None:
    rng = np.random.default_rng(5)
    above = np.mean(rng.normal(0.8, size=200_000) > rng.normal(size=200_000))
    assert shift_of(float(above)) == pytest.approx(0.8, abs=0.02)


def test_a_history_stays_short_and_sums_exactly() -> None:
    history, values = History(), np.arange(1000.0)
    for start in range(0, 1000, 7):
        part = values[start : start + 7]
        history.add(len(part), lambda chosen, part=part: {"x": part[chosen].sum(keepdims=True)}, first=start)
    assert len(history.blocks) <= MAX_BLOCKS
    assert history.n == 1000
    assert history.total()["x"][0] == values.sum()
    assert [block["first"][0] for block in history.blocks] == sorted(block["first"][0] for block in history.blocks)
    again = History.from_arrays(history.arrays())
    assert again.total()["x"][0] == values.sum()
    assert history.since(900).n <= 100 + history.size


def test_an_interval_of_a_history_holds_the_mean() -> None:
    rng, held = np.random.default_rng(6), 0
    for _ in range(60):
        history, values = History(), rng.exponential(size=400)
        history.add(400, lambda part, values=values: {"x": values[part].sum(keepdims=True)}, first=0)
        draws = history.resampled(lambda sums: sums["x"] / sums["n"])[:, 0]
        low, high = np.quantile(draws, [0.025, 0.975])
        held += low <= 1.0 <= high
    assert held >= 50
