"""Weights of a mean: even without evidence, moved by it, and never from the items that they are judged on."""

import numpy as np
import pytest

from headstart.core.tasks import get_task
from headstart.evaluation import mixing
from headstart.evaluation.mixing import mix_held_out, mixing_weights

BINARY, REGRESSION = get_task("binary"), get_task("regression")


def outputs(targets, skill, rng):
    """Probabilities that lean towards the truth by `skill`, with noise."""
    logits = skill * (2 * targets[:, 0] - 1) + rng.normal(size=len(targets))
    p = 1 / (1 + np.exp(-logits))
    return np.column_stack([p, 1 - p])


@pytest.fixture
def data():
    rng = np.random.default_rng(0)
    targets = np.eye(2)[rng.integers(2, size=400)]
    return targets, rng


def test_without_items_the_prior_stands():
    prior = np.array([0.5, 0.3, 0.2])
    np.testing.assert_array_equal(mixing_weights(np.zeros((3, 0, 2)), np.zeros((0, 2)), prior, BINARY), prior)


def test_models_that_say_the_same_keep_the_prior(data):
    targets, rng = data
    same = outputs(targets, 1.0, rng)
    np.testing.assert_allclose(mixing_weights(np.stack([same] * 3), targets, np.ones(3) / 3, BINARY), 1 / 3, atol=1e-3)


def test_evidence_moves_the_weights_and_more_of_it_farther(data):
    targets, rng = data
    stack = np.stack([outputs(targets, 2.5, rng), outputs(targets, 0.2, rng)])
    few, many = (mixing_weights(stack[:, :n], targets[:n], np.ones(2) / 2, BINARY)[0] for n in (20, 400))
    assert 0.5 < few < many <= 1.0


def test_a_model_that_is_wrong_is_left_out(data, monkeypatch):
    targets, rng = data
    good = outputs(targets, 2.5, rng)
    stack = np.stack([good, 1 - good])
    assert mixing_weights(stack, targets, np.ones(2) / 2, BINARY)[1] < 0.1
    monkeypatch.setattr(mixing, "_PRIOR_ITEMS", 5.0)
    assert mixing_weights(stack, targets, np.ones(2) / 2, BINARY)[1] == 0


def test_values_of_any_unit_give_the_same_weights():
    rng = np.random.default_rng(1)
    targets = rng.normal(size=(200, 1))
    stack = np.stack([targets + rng.normal(size=(200, 1)), targets + 2 * rng.normal(size=(200, 1))])
    metres = mixing_weights(stack, targets, np.ones(2) / 2, REGRESSION)
    np.testing.assert_allclose(
        mixing_weights(1000 * stack, 1000 * targets, np.ones(2) / 2, REGRESSION), metres, atol=1e-3
    )


def test_families_share_the_prior(data):
    targets, rng = data
    same = outputs(targets, 1.0, rng)
    found = mix_held_out([same] * 3, ["plain", "frozen", "frozen"], targets, np.arange(400), task=BINARY, seed=0)
    np.testing.assert_allclose(found.weights, [0.5, 0.25, 0.25], atol=1e-3)


def test_the_weights_for_an_item_do_not_know_its_group(data):
    """Changing the labels of one group changes no output of that group."""
    targets, rng = data
    groups = np.arange(400) // 8
    stack = [outputs(targets, 1.5, rng), outputs(targets, 0.8, rng)]
    settings = {"groups": groups, "task": BINARY, "seed": 0}
    before = mix_held_out(stack, ["plain", "joint"], targets, **settings).outputs
    changed = targets.copy()
    changed[groups == 7] = 1 - changed[groups == 7]
    blocks = mixing.assign_folds(groups, targets, 5, 0)
    np.testing.assert_array_equal(blocks, mixing.assign_folds(groups, targets, 5, 0))
    here = groups == 7
    weights = mixing_weights(
        np.stack(stack)[:, blocks != blocks[here][0]], targets[blocks != blocks[here][0]], np.ones(2) / 2, BINARY
    )
    np.testing.assert_allclose(before[here], np.tensordot(weights, np.stack(stack)[:, here], axes=1))


def test_the_mean_loses_to_neither_in_simulated_runs():
    """Over many small samples the mix is on average no worse than either model, and better than always taking the better one."""
    mixed, picked, first, second = [], [], [], []
    for seed in range(60):
        rng = np.random.default_rng(seed)
        targets = np.eye(2)[rng.integers(2, size=1060)]
        stack = np.stack([outputs(targets, 1.0, rng), outputs(targets, 0.9, rng)])
        held, new = slice(60), slice(60, None)
        weights = mixing_weights(stack[:, held], targets[held], np.ones(2) / 2, BINARY)
        losses = [float(BINARY.losses(one[held], targets[held]).mean()) for one in stack]
        on_new = [float(BINARY.losses(one[new], targets[new]).mean()) for one in stack]
        mixed.append(float(BINARY.losses(np.tensordot(weights, stack[:, new], axes=1), targets[new]).mean()))
        picked.append(on_new[int(np.argmin(losses))])
        first.append(on_new[0])
        second.append(on_new[1])
    assert np.mean(mixed) < min(np.mean(picked), np.mean(first), np.mean(second))
