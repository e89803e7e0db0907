"""The test keeps its level under any number of looks, and finds what is better."""

import numpy as np
import pytest

from headstart.core.errors import InternalError, OptionError
from headstart.core.tasks import get_task
from headstart.updating.betting import Bet, bounded_losses

RUNS, RECORDS = 400, 2000


def share_shown(draw):
    rng = np.random.default_rng(0)
    return np.mean([Bet(level=0.05).first_shown(draw(rng)) is not None for _ in range(RUNS)])


def test_equal_models_are_told_apart_no_more_often_than_the_level():
    """0.05 and two standard errors of a share of 400 runs, at the worst of three kinds of differences."""
    bound = 0.05 + 2 * np.sqrt(0.05 * 0.95 / RUNS)
    assert share_shown(lambda rng: rng.normal(0, 0.1, RECORDS).clip(-1, 1)) < bound
    assert share_shown(lambda rng: rng.choice([-1.0, 1.0], RECORDS)) < bound
    assert share_shown(lambda rng: rng.choice([-0.05, 0.95], RECORDS, p=[0.95, 0.05])) < bound


def test_a_better_model_is_found():
    assert share_shown(lambda rng: rng.normal(0.02, 0.15, RECORDS).clip(-1, 1)) > 0.9
    assert share_shown(lambda rng: rng.choice([-1.0, 0.0, 1.0], RECORDS, p=[0.04, 0.88, 0.08])) > 0.9


def test_records_may_come_one_by_one_or_together():
    d = np.random.default_rng(1).uniform(-1, 1, 50)
    one = Bet(level=0.1)
    for value in d:
        one = one.after([value])
    together = Bet(level=0.1).after(d)
    np.testing.assert_allclose(one.logs, together.logs)
    assert (one.n, one.largest) == (50, pytest.approx(together.largest))
    assert one.mean == pytest.approx(d.mean())
    assert one.after([]) is one


def test_what_was_shown_stays_shown_while_the_mean_is_above_zero():
    shown = Bet(level=0.05).after(np.full(100, 0.5))
    assert shown.is_shown
    later = shown.after(np.full(40, -0.9))
    assert max(later.logs) < np.log(20) < later.largest
    assert later.is_shown
    assert not shown.after(np.full(1000, -0.9)).is_shown


def test_losses_out_of_bounds_and_levels_out_of_range_are_refused():
    with pytest.raises(InternalError, match="-1, 1"):
        Bet(level=0.05).after([1.2])
    with pytest.raises(OptionError, match="between 0 and 1"):
        Bet(level=1.0)


def test_losses_lie_between_0_and_1():
    binary, several, value = (get_task(name) for name in ("binary", "multilabel", "regression"))
    assert bounded_losses(np.array([[0.0, 1.0], [0.5, 0.5]]), np.array([[1.0, 0.0], [1.0, 0.0]]), binary).tolist() == [
        1.0,
        0.25,
    ]
    assert bounded_losses(np.array([[1.0, 1.0]]), np.array([[0.0, 1.0]]), several).tolist() == [0.5]
    assert bounded_losses(np.array([[3.0], [90.0]]), np.array([[1.0], [1.0]]), value, scale=4.0).tolist() == [0.5, 1.0]
