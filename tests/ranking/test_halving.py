"""Successive halving: what it may look at, whom it drops, and that the sample is fair."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis.strategies import integers

import tiny
from headstart.core.dataset import Dataset
from headstart.core.tasks import get_task
from headstart.ranking import Halving
from headstart.ranking.rankers.prior import Prior
from headstart.ranking.sampling import first_items, sampling_order

FLAT = Prior(points={"none": 0.0})


def make_dataset(n=600, k=3, groups=None):
    targets = np.eye(k)[np.arange(n) % k]
    ids = [str(i) for i in range(n)]
    labels = tuple("abcdefgh"[:k])
    return Dataset(
        name="d", modality="text", task="multiclass", items=ids, ids=ids, targets=targets, labels=labels, groups=groups
    )


def run(separations, dataset=None, halving=None, seed=0):
    """Rank made-up sources, each with features of so many standard deviations between classes; with what was looked at."""
    dataset = dataset or make_dataset()
    looked = {name: set() for name in separations}
    k = dataset.targets.shape[1]
    noise = {name: np.random.default_rng(i).normal(size=(len(dataset), 20)) for i, name in enumerate(separations)}

    def look(name, index):
        looked[name] |= set(index.tolist())
        return (noise[name] + separations[name] * dataset.targets @ np.eye(k, 20))[index]

    cards = {name: tiny.card("bert", name=name) for name in separations}
    halving = halving or Halving(prior=FLAT)
    seen = halving.run(dataset, cards, look, get_task("multiclass").headline(dataset.targets), seed=seed)
    return seen, looked


class TestHalving:
    def test_the_best_features_win_and_hopeless_ones_are_dropped_early(self):
        seen, looked = run({"good": 3.0, "fair": 2.6, "weak": 0.5, "noise": 0.0})
        assert next(iter(seen)) in ("good", "fair")
        assert [one.dropped == "" for one in seen.values()] == [True, False, False, False]
        assert len(looked["noise"]) == len(looked["weak"]) == 32
        assert "after 32 items" in seen["noise"].dropped

    @pytest.mark.parametrize("cap", [20, 100, 500])
    def test_never_looks_at_more_than_its_cap(self, cap):
        _, looked = run({"one": 1.0, "other": 1.0, "third": 1.0}, halving=Halving(prior=FLAT, cap=cap))
        assert max(len(items) for items in looked.values()) == cap

    def test_a_close_race_sees_more_items_than_a_clear_one(self):
        _, close = run({"one": 1.0, "other": 1.0})
        _, clear = run({"one": 4.0, "other": 0.0})
        assert len(close["one"]) > len(clear["one"])

    def test_is_a_function_of_the_data_and_the_seed(self):
        separations = {"good": 1.2, "fair": 1.0}
        halving = Halving(prior=FLAT, cap=192)
        first, again, other = (run(separations, halving=halving, seed=seed) for seed in (0, 0, 1))
        assert first == again
        assert first[1] != other[1]

    def test_the_prior_decides_between_equals_alone(self):
        known = Halving(prior=Prior(points={"known": 0.0, "poor": -8.0}))
        same = lambda _name, index: np.random.default_rng(7).normal(size=(600, 8))[index]  # noqa: E731
        dataset = make_dataset()
        cards = {name: tiny.card("bert", name=name) for name in ("poor", "known")}
        assert next(iter(known.run(dataset, cards, same, get_task("multiclass").headline(dataset.targets)))) == "known"
        assert next(iter(run({"poor": 1.5, "known": 0.0}, halving=known)[0])) == "poor"

    @pytest.mark.parametrize("ranker", ["ridge", "neighbours", "h-score", "logme"])
    def test_any_ranker_may_decide(self, ranker):
        seen, _ = run({"noise": 0.0, "good": 3.0, "weak": 0.5}, halving=Halving(prior=FLAT, cap=96, ranker=ranker))
        assert next(iter(seen)) == "good"
        assert all(one.score.name == ranker for one in seen.values())

    def test_the_scores_of_the_others_are_the_winners_and_their_gap_on_the_same_items(self):
        separations = {"good": 1.5, "fair": 1.3, "noise": 0.0}
        early, late = (run(separations, halving=Halving(prior=FLAT, cap=cap))[0] for cap in (32, 256))
        winner = next(iter(late))
        assert late["noise"].n_items == 32 < late[winner].n_items
        gaps = [seen[winner].score.value - seen["noise"].score.value for seen in (early, late)]
        assert gaps[0] == pytest.approx(gaps[1])
        assert late[winner].score.value == max(one.score.value for one in late.values())

    def test_one_source_is_measured_once_and_chosen(self):
        seen, looked = run({"alone": 2.0})
        assert seen["alone"].dropped == ""
        assert len(looked["alone"]) == 32

    def test_unreadable_items_do_not_count(self):
        dataset = make_dataset(90)
        halving = Halving(prior=FLAT, cap=90, first=90)
        x = np.random.default_rng(0).normal(size=(90, 8)).astype(np.float32)
        x[::9] = np.nan
        cards = {"only": tiny.card("bert", name="only")}
        seen = halving.run(dataset, cards, lambda _n, index: x[index], get_task("multiclass").headline(dataset.targets))
        assert seen["only"].predicted.n == 80


class TestSample:
    @given(seed=integers(0, 1000), size=integers(1, 300))
    def test_groups_are_whole_and_the_size_is_kept(self, seed, size):
        groups = np.random.default_rng(seed).integers(0, 60, 200)
        dataset = make_dataset(200)
        index = first_items(sampling_order(dataset.codes, groups, seed=seed), size)
        assert len(index) <= size
        assert len(set(index.tolist())) == len(index)
        inside = set(groups[index].tolist())
        assert not inside & set(np.delete(groups, index).tolist())

    @given(seed=integers(0, 1000), size=integers(9, 200))
    def test_every_class_is_there_and_frequent_ones_are_in_proportion(self, seed, size):
        targets = np.eye(3)[np.repeat([0, 1, 2], [150, 45, 5])]
        index = first_items(sampling_order(targets.argmax(axis=1), np.arange(200), seed=seed), size)
        counts = targets[index].sum(axis=0)
        assert counts.min() >= 3
        if size > 60:
            assert counts[0] / counts[1] == pytest.approx(150 / 45, rel=0.25)

    @pytest.mark.parametrize("k", [1, 4])
    def test_values_and_several_labels_are_spread_too(self, k):
        rng = np.random.default_rng(0)
        targets = rng.normal(size=(200, 1)) if k == 1 else (rng.random((200, k)) < [0.6, 0.3, 0.1, 0.05]).astype(float)
        strata = get_task("regression" if k == 1 else "multilabel").strata(targets)
        index = first_items(sampling_order(strata, np.arange(200), seed=0), 48)
        np.testing.assert_allclose(targets[index].mean(axis=0), targets.mean(axis=0), atol=0.2)
        assert (targets[index].std(axis=0) > 0).all()

    def test_a_larger_sample_holds_the_smaller(self):
        order = sampling_order(make_dataset().codes, np.arange(600), seed=0)
        assert set(first_items(order, 48).tolist()) < set(first_items(order, 192).tolist())


def test_groups_of_the_users_stay_whole_in_every_round():
    dataset = make_dataset(groups=np.arange(600) // 4)
    _, looked = run({"one": 1.0, "other": 1.0}, dataset=dataset)
    counts = np.bincount([i // 4 for i in looked["one"]])
    assert set(counts.tolist()) <= {0, 4}


def test_of_two_both_go_on_and_of_many_half():
    halving = Halving(prior=FLAT, growth=4.0, cap=192, ranker="h-score")  # it does not say who is significantly behind
    _, looked = run(dict.fromkeys("abcdef", 1.0), halving=halving)
    assert sorted(len(items) for items in looked.values()) == [32, 32, 32, 192, 192, 192]
