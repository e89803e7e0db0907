"""The batches and losses of contrastive tuning."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from headstart.tuning.contrast import balanced_batch, cosine_regression


def features_of(labels, seed=0, d=8):
    return torch.from_numpy(np.random.default_rng(seed).normal(size=(len(labels), d)))


class TestCosineRegression:
    @given(seed=st.integers(0, 2**32 - 1), n=st.integers(2, 12))
    @settings(max_examples=30, deadline=None)
    def test_order_and_length_do_not_matter(self, seed, n):
        rng = np.random.default_rng(seed)
        labels = torch.from_numpy(rng.integers(3, size=n))
        features = features_of(labels, seed)
        order = torch.from_numpy(rng.permutation(n))
        lengths = torch.from_numpy(rng.uniform(0.5, 2.0, size=(n, 1)))
        assert cosine_regression((features * lengths)[order], labels[order]).item() == pytest.approx(
            cosine_regression(features, labels).item(), abs=1e-9
        )

    def test_gradient_vanishes_where_classes_are_points_far_apart(self):
        labels = torch.tensor([0, 0, 0, 1, 1, 1])
        corners = torch.eye(8, dtype=torch.float64)[labels].requires_grad_()
        cosine_regression(corners, labels).backward()
        assert corners.grad.abs().max() < 1e-3

    def test_descent_separates_the_classes(self):
        labels = torch.arange(12) % 3
        features = features_of(labels).requires_grad_()
        optimiser = torch.optim.Adam([features], lr=0.05)
        for _ in range(200):
            optimiser.zero_grad()
            cosine_regression(features, labels).backward()
            optimiser.step()
        unit = torch.nn.functional.normalize(features.detach(), dim=1)
        cosines, same = unit @ unit.T, labels[:, None] == labels[None, :]
        assert cosines[same].min() > cosines[~same].max() + 0.5

    @pytest.mark.parametrize("labels", [[0], [0, 1, 2]], ids=["one item", "no pair of a class"])
    def test_too_few_pairs_give_numbers(self, labels):
        features = features_of(labels).requires_grad_()
        cosine_regression(features, torch.tensor(labels)).backward()
        assert torch.isfinite(features.grad).all()


@given(seed=st.integers(0, 2**32 - 1), n=st.integers(1, 300), k=st.integers(1, 40), size=st.integers(4, 32))
@settings(max_examples=100, deadline=None)
def test_a_batch_is_bounded_balanced_and_distinct(seed, n, k, size):
    rng = np.random.default_rng(seed)
    labels = rng.integers(k, size=n)
    batch = balanced_batch(labels, size, rng)
    assert 0 < len(batch) <= size
    assert len(set(batch.tolist())) == len(batch)
    if n <= size:
        assert len(batch) == n
        return
    drawn, counts = np.unique(labels[batch], return_counts=True)
    assert len(drawn) == min(len(np.unique(labels)), size // 2)
    available = np.array([(labels == label).sum() for label in drawn])
    assert (counts[counts < available] >= counts.max() - 1).all()  # a class has fewer only where it has no more


def test_every_item_has_its_turn():
    labels = np.arange(100) % 4
    rng = np.random.default_rng(0)
    seen = np.concatenate([balanced_batch(labels, 16, rng) for _ in range(100)])
    assert len(np.unique(seen)) == 100
