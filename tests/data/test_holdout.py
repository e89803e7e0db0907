"""No group is ever on both sides of a split, and classes are spread evenly."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis.strategies import integers

from headstart.core.dataset import Dataset
from headstart.core.errors import DataError
from headstart.data.clusters import cluster_items
from headstart.data.holdout import SplitPlan, assign_folds, plan_splits


def make_dataset(n, *, groups=None, times=None, splits=None, task="multiclass"):
    targets = np.arange(n, dtype=float)[:, None] if task == "regression" else np.eye(3)[np.arange(n) % 3]
    return Dataset(
        name="numbers",
        modality="text",
        task=task,
        items=[str(i) for i in range(n)],
        ids=[f"row {i}" for i in range(n)],
        targets=targets,
        labels=("a", "b", "c")[: targets.shape[1]],
        groups=groups,
        times=times,
        splits=None if splits is None else np.array(splits),
    )


@settings(deadline=None)
@given(seed=integers(0, 10_000), n=integers(10, 1500), n_groups=integers(5, 200))
@pytest.mark.parametrize("task", ["multiclass", "regression"])
def test_no_group_is_on_both_sides(seed, n, n_groups, task):
    groups = np.random.default_rng(seed).integers(0, n_groups, n)
    if len(np.unique(groups)) < 3:
        return
    plan = plan_splits(make_dataset(n, task=task), groups, seed=seed)
    for train, held_out in plan.folds:
        assert not set(groups[train]) & set(groups[held_out])
        assert len(train) + len(held_out) == n
    if plan.kind == "cross-validation":
        assert sorted(plan.test) == list(range(n))


@given(seed=integers(0, 10_000))
def test_single_items_spread_the_classes_evenly(seed):
    targets = np.eye(3)[np.random.default_rng(seed).integers(0, 3, 100)]
    folds = assign_folds(np.arange(100), targets, 5, seed)
    counts = np.array([targets[folds == fold].sum(axis=0) for fold in range(5)])
    assert np.ptp(counts, axis=0).max() <= 2
    assert np.ptp(counts.sum(axis=1)) <= 3


def test_a_given_test_part_is_the_test():
    splits = ["train"] * 40 + ["validation"] * 10 + ["test"] * 10
    plan = plan_splits(make_dataset(60, splits=splits), np.arange(60), seed=0)
    assert plan.kind == "given"
    assert list(plan.test) == list(range(50, 60))
    assert list(plan.final) == list(range(50))


def test_a_validation_part_alone_is_held_out():
    plan = plan_splits(make_dataset(30, splits=["train"] * 20 + ["validation"] * 10), np.arange(30), seed=0)
    assert list(plan.test) == list(range(20, 30))


def test_along_time_only_the_later_is_held_out():
    times = np.random.default_rng(0).permutation(40).astype(float)
    plan = plan_splits(make_dataset(40, times=times), np.arange(40), seed=0)
    assert times[plan.folds[0][0]].max() < times[plan.test].min()


def test_time_with_every_late_item_a_copy_is_an_error():
    with pytest.raises(DataError, match="near-duplicate earlier on"):
        plan_splits(make_dataset(40, times=np.arange(40.0)), np.arange(40) % 10, seed=0)


def test_too_few_groups_is_an_error_that_says_what_to_do():
    with pytest.raises(DataError, match="at least 3 groups are needed"):
        plan_splits(make_dataset(40), np.arange(40) % 2, seed=0)


@settings(deadline=None, max_examples=30)
@given(seed=integers(0, 10_000), n=integers(12, 150))
def test_conditions_keep_duplicates_together_and_are_several(seed, n):
    rng = np.random.default_rng(seed)
    duplicates = rng.integers(0, n // 2, n)
    strata = rng.integers(0, 3, n)
    clusters = cluster_items(rng.normal(size=(n, 8)), strata, duplicates, seed=seed)
    assert all(len(set(clusters[duplicates == g])) == 1 for g in np.unique(duplicates))
    assert len(np.unique(clusters)) > 1


@pytest.mark.parametrize(("n_items", "n_folds"), [(1, 1), (20, 1), (21, 2), (100, 5), (1000, 5)])
def test_the_first_folds_hold_out_as_many_items_as_are_asked_for(n_items, n_folds):
    folds = tuple((np.arange(20, 100), np.arange(20)) for _ in range(5))
    plan = SplitPlan(kind="cross-validation", folds=folds, final=np.arange(100), sentence="in five folds")
    shorter = plan.holding_out(n_items)
    assert len(shorter.folds) == n_folds
    assert (shorter is plan) == (n_folds == 5)


@pytest.mark.parametrize("n", [90, 1500])
def test_few_groups_leave_two_held_out(n):
    """A fold of one group has no interval."""
    groups = np.arange(n) % 3
    plan = plan_splits(make_dataset(n), groups, seed=0)
    assert plan.kind == "cross-validation"
    for fewer in (plan.first(1), plan.holding_out(1)):
        assert len(np.unique(groups[fewer.test])) == len(fewer.folds) == 2
        assert "2 of 3 folds" in fewer.sentence


def test_a_test_part_of_one_group_proves_nothing():
    splits = ["train"] * 40 + ["test"] * 10
    groups = np.minimum(np.arange(50), 40)
    with pytest.raises(DataError, match=r"your own test part \(10 items\) is one group .*--split none"):
        plan_splits(make_dataset(50, splits=splits), groups, seed=0)
    with pytest.raises(DataError, match=r"latest items .* are one group .*Leave out --time or --group"):
        plan_splits(make_dataset(50, times=np.arange(50.0)), np.minimum(np.arange(50), 38), seed=0)
