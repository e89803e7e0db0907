"""Near-duplicates among features that came without their items."""

import numpy as np
from hypothesis import given, settings
from hypothesis.strategies import integers

from headstart.data.similar_features import join_similar_features


class TestSimilarFeatures:
    def test_noisy_copies_are_found_and_others_left_alone(self):
        rng = np.random.default_rng(0)
        originals = rng.normal(size=(200, 64))
        copies = originals[:40] + 0.02 * rng.normal(size=(40, 64))
        found = join_similar_features(np.concatenate([originals, copies]))
        assert all(found.groups[i] == found.groups[200 + i] for i in range(40))
        assert found.n_groups == 200

    def test_data_without_copies_has_hardly_any_groups(self):
        found = join_similar_features(np.random.default_rng(1).normal(size=(500, 32)))
        assert found.n_groups >= 490

    def test_exact_copies_are_found_in_the_smallest_data(self):
        features = np.random.default_rng(2).normal(size=(6, 8))
        found = join_similar_features(np.concatenate([features, features[:2]]))
        assert found.n_groups == 6
        assert [sorted(s) for s in found.sets()] == [[0, 6], [1, 7]]

    def test_the_users_groups_stay_together(self):
        given_groups = np.arange(60) // 3
        found = join_similar_features(np.random.default_rng(3).normal(size=(60, 16)), given_groups)
        assert all(len(set(found.groups[given_groups == g])) == 1 for g in range(20))

    @settings(deadline=None, max_examples=30)
    @given(seed=integers(0, 10_000))
    def test_order_does_not_matter(self, seed):
        rng = np.random.default_rng(seed)
        features = rng.normal(size=(80, 12))
        features[40:60] = features[:20] + 0.01 * rng.normal(size=(20, 12))
        order = rng.permutation(80)
        straight, shuffled = join_similar_features(features).groups, join_similar_features(features[order]).groups
        together = straight[order][:, None] == straight[order][None]
        np.testing.assert_array_equal(together, shuffled[:, None] == shuffled[None])
