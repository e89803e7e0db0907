"""One model on several blocks: the dual form equals the primal one with a penalty per block, and leave-one-group-out equals refitting."""

import numpy as np
import pytest
from scipy import sparse

from headstart.heads.joint import BlockRows, adapt_joint
from headstart.heads.kernel_basis import BlockGrams
from headstart.heads.problem import Problem
from headstart.heads.ridge import RidgePath


@pytest.fixture
def blocks():
    rng = np.random.default_rng(0)
    counts = sparse.csr_matrix((rng.random((60, 300)) < 0.05).astype(np.float64))
    return counts, rng.normal(size=(60, 12))


def problem_of(features, rng, groups=None):
    n = len(features)
    targets = np.eye(3)[np.arange(n) % 3]
    groups = np.arange(n) if groups is None else groups
    return Problem(features=features, targets=targets, task="multiclass", groups=groups)


def test_the_coordinates_have_the_inner_products_of_the_scaled_blocks(blocks):
    grams = BlockGrams.of(blocks)
    basis = grams.basis((0.3, 0.7))
    dense = [np.asarray(block.toarray() if sparse.issparse(block) else block) for block in blocks]
    centred = [block - block.mean(axis=0) for block in dense]
    expected = sum(
        scale * (x @ x.T) / (np.square(x).sum() / len(x)) for scale, x in zip((0.3, 0.7), centred, strict=True)
    )
    np.testing.assert_allclose(basis.coordinates @ basis.coordinates.T, expected, atol=1e-8)


@pytest.mark.parametrize("scales", [(0.5, 0.5), (0.9, 0.1), (0.0, 1.0)])
def test_the_dual_form_is_the_primal_one_with_a_penalty_per_block(blocks, scales):
    grams = BlockGrams.of(blocks)
    basis = grams.basis(scales)
    problem = problem_of(basis.coordinates, np.random.default_rng(1))
    path = RidgePath.of(problem, "identity", scaled=False)
    head = path.head(0.3)
    coefs, intercept = basis.coef(head.coef, head.intercept - head.centre @ head.coef)
    # the primal: columns times the square root of scale and unit, one penalty for all
    dense = [np.asarray(block.toarray() if sparse.issparse(block) else block) for block in blocks]
    scaled = np.hstack([x * np.sqrt(s * u) for x, s, u in zip(dense, scales, grams.units, strict=True)])
    primal = RidgePath.of(problem_of(scaled, np.random.default_rng(1)), "identity", scaled=False).head(0.3)
    found = sum(x @ coef for x, coef in zip(dense, coefs, strict=True)) + intercept
    np.testing.assert_allclose(found, primal.scores(scaled), atol=1e-6)


def test_held_out_scores_equal_refitting_without_each_group(blocks):
    """With the scales and the penalty kept, and balanced classes, so that weights stay as they are."""
    groups = np.repeat(np.arange(20), 3)  # each group has an item of every class
    basis = BlockGrams.of(blocks).basis((0.4, 0.6))
    problem = problem_of(basis.coordinates, np.random.default_rng(2), groups)
    held_out = RidgePath.of(problem, "identity", scaled=False).held_out(groups, np.array([0.5]))[0]
    for group in range(20):
        rest, here = np.flatnonzero(groups != group), np.flatnonzero(groups == group)
        head = RidgePath.of(problem.take(rest), "identity", scaled=False).head(0.5)
        np.testing.assert_allclose(held_out[here], head.scores(problem.features[here]), atol=1e-6)


def made(seed, n=120):
    """Half of what decides is in many sparse columns, half in a few dense ones."""
    rng = np.random.default_rng(seed)
    counts = (rng.random((n, 400)) < 0.05).astype(np.float64)
    dense = rng.normal(size=(n, 16))
    score = counts[:, :40].sum(axis=1) - 2 + dense[:, :4].sum(axis=1)
    targets = np.eye(2)[(score > 0).astype(int)]
    rows = (
        BlockRows(name="words", is_pretrained=False, rows=sparse.csr_matrix(counts)),
        BlockRows(name="network", is_pretrained=True, rows=dense),
    )
    return rows, Problem(features=np.zeros((n, 0)), targets=targets, task="binary", groups=np.arange(n))


def test_its_outputs_for_its_own_items_are_those_of_the_fitted_head():
    rows, problem = made(0)
    fitted = adapt_joint(rows, problem)
    assert set(fitted.linear[0]) == {"words", "network"}
    scores = fitted.fit.head.calibrated(fitted.calibration.slope, fitted.calibration.intercept).scores(
        fitted.basis.coordinates
    )
    np.testing.assert_allclose(fitted.outputs(rows), problem.task_spec.outputs(scores), atol=1e-6)


def test_both_blocks_together_are_better_than_one():
    gains = []
    for seed in range(6):
        rows, problem = made(seed)
        losses = {
            name: adapt_joint(rows, problem, head="ridge", scales=scales).loss
            for name, scales in {"words": {"words": 1.0}, "network": {"network": 1.0}}.items()
        }
        gains.append(min(losses.values()) - adapt_joint(rows, problem, head="ridge").loss)
    assert np.mean(gains) > 0


def test_a_constant_block_says_nothing():
    rows, problem = made(1)
    constant = BlockRows(name="constant", is_pretrained=False, rows=np.ones((len(problem.targets), 3)))
    fitted = adapt_joint([*rows, constant], problem, head="ridge")
    assert np.isfinite(fitted.outputs([*rows, constant])).all()
    np.testing.assert_allclose(fitted.linear[0].get("constant", np.zeros(1)), 0)
