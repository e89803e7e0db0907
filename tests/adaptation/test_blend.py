"""When a lead is credible, and when to look further is futile."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from headstart.adaptation.blend import is_credibly_better, may_become_better

N = 40
GROUPS = np.arange(N)


def lost(lead: float) -> tuple[np.ndarray, np.ndarray]:
    """Losses of two whose paired difference is `lead` standard errors of its sum."""
    noise = np.where(np.arange(N) % 2, 1.0, -1.0)
    return np.zeros(N), noise + lead / np.sqrt(N)


@pytest.mark.parametrize("lead", [-3.0, -0.5, 0.0, 0.9, 1.1, 3.0])
def test_credible_is_more_than_one_standard_error(lead):
    assert is_credibly_better(*lost(lead), GROUPS) == (lead > 1)


def test_items_of_one_group_count_once():
    better, worse = np.zeros(N), np.r_[np.full(N // 2, 2.0), np.full(N // 2, -1.0)]
    assert is_credibly_better(better, worse, GROUPS)
    assert not is_credibly_better(better, worse, np.arange(N) // (N // 2))


def test_one_group_alone_proves_nothing():
    one = np.zeros(N, int)
    assert not is_credibly_better(*lost(3.0), one)
    assert may_become_better(*lost(-3.0), one, share=0.25)


def test_equal_is_not_better_and_not_hopeless():
    same = np.ones(N)
    assert not is_credibly_better(same, same, GROUPS)
    assert may_become_better(same, same, GROUPS, share=0.25)


@given(lead=st.floats(-5, 5), share=st.floats(0.05, 1.0))
def test_what_leads_credibly_is_never_given_up(lead, share):
    if is_credibly_better(*lost(lead), GROUPS):
        assert may_become_better(*lost(lead), GROUPS, share=share)


@given(lead=st.floats(-5, 5), share=st.floats(0.05, 0.9))
def test_the_more_is_seen_the_sooner_it_is_given_up(lead, share):
    later, sooner = (may_become_better(*lost(lead), GROUPS, share=one) for one in (share, share + 0.1))
    assert later or not sooner


def test_few_that_would_have_won_are_given_up_and_most_that_lose_are():
    """Four looks at standard normal paired differences, 2,000 runs each."""
    rng = np.random.default_rng(0)

    def given_up(mean: float) -> tuple[float, float]:
        """The share of the winners that were given up, and of all the looks that were spared."""
        ended, spared, winners = 0, 0, 0
        for _ in range(2000):
            difference = rng.standard_normal(N) + mean
            wins = is_credibly_better(np.zeros(N), difference, GROUPS)
            looks = next(
                (
                    look
                    for look in (1, 2, 3)
                    if not may_become_better(
                        np.zeros(look * N // 4), difference[: look * N // 4], GROUPS[: look * N // 4], share=look / 4
                    )
                ),
                4,
            )
            winners += wins
            ended += wins and looks < 4
            spared += 4 - looks
        return ended / max(winners, 1), spared / 8000

    lost_winners, _ = given_up(2.5 / np.sqrt(N))
    _, spared = given_up(-2.0 / np.sqrt(N))
    assert lost_winners < 0.08
    assert spared > 0.5
