"""Models are held out fold by fold, as far as there is time."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from headstart.engines.context import RunContext
from headstart.evaluation import models

FOLDS = ((np.array([2, 3]), np.array([0, 1])), (np.array([0, 1]), np.array([2, 3])))


@pytest.fixture
def slow(monkeypatch):
    """A model whose fits take ten seconds, and the items that it was fitted on."""
    now, fitted = [0.0], []
    monkeypatch.setattr(models.time, "perf_counter", lambda: now[0])

    class Slow:
        name = "slow"

        def fit(self, experiment, index):
            now[0] += 10.0
            fitted.append(index.tolist())
            return SimpleNamespace(outputs=lambda asked: asked[:, None] / 10.0)

    return Slow(), fitted


@pytest.mark.parametrize(("budget_s", "n_fits", "is_whole"), [(0.0, 0, False), (19.0, 1, False), (20.0, 2, True)])
def test_a_model_is_held_out_only_if_all_folds_fit_into_the_time(slow, budget_s, n_fits, is_whole):
    model, fitted = slow
    experiment = SimpleNamespace(context=RunContext(), plan=SimpleNamespace(folds=FOLDS))
    found = models.hold_out_within(model, experiment, budget_s)
    assert len(fitted) == n_fits
    assert (found is not None) == is_whole


def test_outputs_are_those_of_the_held_out_items_fold_after_fold(slow):
    model, fitted = slow
    found = models.hold_out(model, SimpleNamespace(context=RunContext(), plan=SimpleNamespace(folds=FOLDS)))
    assert fitted == [[2, 3], [0, 1]]
    np.testing.assert_array_equal(found.outputs[:, 0], [0.0, 0.1, 0.2, 0.3])
    assert found.seconds == pytest.approx(20.0)
