"""Tests of `monitoring/estimating.py`, `distance.py` and `history.py`."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis.strategies import floats, integers
from tiny_watch import LABELS, draw, features_of, reference

from headstart.core.tasks import get_task
from headstart.monitoring import FalseAlarms, Monitor
from headstart.monitoring.distance import frechet, shift_of
from headstart.monitoring.estimating import calibrated, solve_shares
from headstart.monitoring.history import MAX_BLOCKS, History
from headstart.monitoring.output_cells import OutputCells, find_cells, likeliest_shares
from headstart.monitoring.reference import Reference


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
    verdict = monitor.verdict()
    for yes in (verdict.label_shares["yes"], verdict.black_box_shares["yes"]):
        assert yes.low <= 0.8 <= yes.high
        assert yes.value == pytest.approx(0.8, abs=0.08)
    assert verdict.label_shares["yes"] != verdict.black_box_shares["yes"]


@given(seed=integers(0, 2**16))
@settings(max_examples=4)
def test_without_a_shift_both_give_the_shares_of_the_reference(seed: int) -> None:
    _, outputs, _ = draw(1000, seed=seed)
    before = reference(1000, seed=seed)  # the very records that it was made of
    monitor = Monitor(before, FalseAlarms.parse("1/1000"))
    monitor.observe(None, None, outputs)
    verdict = monitor.verdict()
    for found in (verdict.label_shares, verdict.black_box_shares):
        for label, share in zip(LABELS, before.shares, strict=True):
            assert found[label].value == pytest.approx(share, abs=0.01)
            assert found[label].low <= share <= found[label].high


@given(seed=integers(0, 2**16), rare=floats(0.02, 0.5))
@settings(max_examples=10)
def test_likeliest_shares_find_a_planted_shift_of_several_labels(seed: int, rare: float) -> None:
    """Outputs that are too sure of themselves, which the calibration mends."""
    rng = np.random.default_rng(seed)
    task, k = get_task("multiclass"), 3

    def drawn(shares: np.ndarray, n: int) -> tuple[np.ndarray, np.ndarray]:
        codes = rng.choice(k, n, p=shares)
        scores = 2.0 * (rng.normal(size=(n, k)) + 1.5 * np.eye(k)[codes])
        return task.outputs(scores), codes

    outputs, codes = drawn(np.full(k, 1 / k), 3000)
    cells = find_cells(outputs, np.eye(k)[codes], task)
    live, after = drawn(np.array([rare, (1 - rare) / 4, 3 * (1 - rare) / 4]), 3000)
    found = likeliest_shares(cells.given_label, cells.counts(live).sum(axis=0), start=np.full(k, 1 / k))
    np.testing.assert_allclose(found, np.bincount(after, minlength=k) / len(after), atol=0.06)
    assert found.sum() == pytest.approx(1)


def test_an_older_reference_without_cells_falls_back_to_the_black_box() -> None:
    items, outputs, _ = draw(300, seed=7)
    older = replace(reference(300), cells=OutputCells())
    assert not len(Reference.from_files(*older.files().values()).cells.centers)
    monitor = Monitor(older, FalseAlarms.parse("1/1000"))
    monitor.observe(None, items, outputs)
    verdict = monitor.verdict()
    assert verdict.label_shares == verdict.black_box_shares != {}


def test_there_are_no_cells_where_a_label_has_no_item() -> None:
    outputs = np.random.default_rng(0).dirichlet(np.ones(3), size=200)
    assert not len(find_cells(outputs, np.eye(3)[np.arange(200) % 2], get_task("multiclass")).centers)


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
