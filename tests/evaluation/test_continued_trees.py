"""Trees that go on from scores: they help where rows say more than the scores, and leave them alone where they do not."""

from __future__ import annotations

import numpy as np
import pytest

from headstart.core.tasks import get_task
from headstart.evaluation.continued_trees import MIN_ROWS, STAGES, fit_continued

N = 200


def rows_and_scores(seed, n=N):
    rng = np.random.default_rng(seed)
    rows = rng.normal(size=(n, 4)).astype(np.float32)
    rows[rng.random(rows.shape) < 0.1] = np.nan
    known = np.nan_to_num(rows)
    return rng, rows, known


def margins(values):
    return np.column_stack([-values / 2, values / 2])


def loss_of(task, scores, targets):
    return float(task.losses(task.outputs(scores), targets).mean())


def test_what_the_scores_do_not_say_is_learned():
    task = get_task("binary")
    rng, rows, known = rows_and_scores(0, 600)
    logits = 1.5 * known[:, 0] + 2.5 * np.sign(known[:, 1] * known[:, 2])
    targets = np.eye(2)[(rng.random(600) < 1 / (1 + np.exp(-logits))).astype(int)]
    scores = margins(1.5 * known[:, 0])
    fitted = fit_continued(rows[:400], scores[:400], targets[:400], np.arange(400), task=task)
    assert fitted.share > 0.9
    new = scores[400:] + fitted.added(rows[400:])
    assert loss_of(task, new, targets[400:]) < 0.95 * loss_of(task, scores[400:], targets[400:])


def test_scores_that_say_all_are_left_alone():
    task = get_task("binary")
    rng, rows, known = rows_and_scores(1)
    logits = 3 * known[:, 0]
    targets = np.eye(2)[(rng.random(N) < 1 / (1 + np.exp(-logits))).astype(int)]
    fitted = fit_continued(rows, margins(logits), targets, np.arange(N), task=task)
    assert fitted.weights[0] > 0.5
    assert np.abs(fitted.added(rows)).max() < 0.2


@pytest.mark.parametrize("name", ["multiclass", "multilabel", "regression"])
def test_every_task_is_fitted(name):
    task, k = get_task(name), 1 if name == "regression" else 3
    rng, rows, known = rows_and_scores(2, 300)
    truth = np.column_stack([4 * np.sign(known[:, j] * known[:, j + 1]) for j in range(k)])
    if name == "multiclass":
        targets = np.eye(3)[truth.argmax(axis=1)]
    else:
        targets = (truth > 0).astype(float) if name == "multilabel" else truth + rng.normal(size=truth.shape)
    scores = np.zeros_like(targets)
    fitted = fit_continued(rows[:200], scores[:200], targets[:200], np.arange(200), task=task)
    before, after = (loss_of(task, one, targets[200:]) for one in (scores[200:], fitted.added(rows[200:])))
    assert after < before
    assert fitted.weights.sum() == pytest.approx(1.0)
    assert fitted.held_out.shape == (200, k)


def test_few_rows_grow_no_tree():
    task = get_task("binary")
    _, rows, known = rows_and_scores(3, MIN_ROWS - 1)
    targets = np.eye(2)[(known[:, 0] > 0).astype(int)]
    scores = np.zeros_like(targets)
    fitted = fit_continued(rows, scores, targets, np.arange(len(rows)), task=task)
    assert fitted.trees is None
    assert fitted.weights.tolist() == [1.0, *[0.0] * (len(STAGES) - 1)]
    assert not fitted.added(rows).any()


def test_rows_that_do_not_vary_grow_no_tree():
    targets = np.eye(2)[np.arange(N) % 2]
    rows = np.full((N, 2), np.nan, np.float32)
    rows[:, 1] = 1.0
    assert fit_continued(rows, np.zeros((N, 2)), targets, np.arange(N), task=get_task("binary")).trees is None


def test_held_out_scores_are_of_fits_without_the_group():
    task = get_task("binary")
    rng, rows, _ = rows_and_scores(4)
    targets = np.eye(2)[rng.integers(0, 2, N)]  # noise: what is learned from a row itself would show
    twice = np.repeat(np.arange(N // 2), 2)
    rows[1::2], targets[1::2] = rows[::2], targets[::2]
    fitted = fit_continued(rows, np.zeros((N, 2)), targets, twice, task=task)
    assert loss_of(task, fitted.held_out, targets) > 0.68
