"""What every method promises, a plugin's too: it learns, it can be undone, repeated, written as a graph, and broken off."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace

import numpy as np
import pytest
import torch

import tiny_tuning_problem
from headstart.core import registry
from headstart.sources import TunedSource
from headstart.storage.result_cache import digest
from headstart.tuning import checkpoint, loop
from headstart.tuning import run as running
from headstart.tuning.loop import N_POINTS
from headstart.tuning.run import Choice, Run

METHODS = [registry.get("tuning_methods", name)() for name in registry.names("tuning_methods")]
N = 32
LAST = Choice(point=N_POINTS - 1, alpha=-1)
SHORT = {"learning_rate": 1e-2, "epochs": 1, "min_steps": 8, "batch_size": 8, "trainable_fraction": 0.5, "rank": 2}


@pytest.fixture(scope="module")
def tuning_problem(request, tmp_path_factory):
    return tiny_tuning_problem.tuning_problem(request.param, tmp_path_factory.mktemp(request.param), n=N)


def a_run(tuning_problem, method, **settings) -> Run:
    return Run(
        tuning_problem=tuning_problem,
        method=method,
        settings=replace(method.settings, **{**SHORT, **settings}),
        train=np.arange(N // 2),
        test=np.arange(N // 2, N),
    )


def state_in(arrays):
    return {name.removeprefix("state "): array for name, array in arrays.items() if name.startswith("state ")}


def same(found, expected) -> bool:
    return set(found) == set(expected) and all(np.array_equal(found[name], expected[name]) for name in expected)


@pytest.mark.usefixtures("cache")
@pytest.mark.parametrize(
    ("tuning_problem", "method"), tiny_tuning_problem.pairs("bert", "efficientnet-lite"), indirect=["tuning_problem"]
)
class TestEveryMethod:
    def test_alpha_zero_is_the_closed_form(self, method, tuning_problem, monkeypatch):
        monkeypatch.setattr(running, "ALPHAS", (0.0,))
        run = a_run(tuning_problem, method)
        scores = run.scores()
        assert (scores == scores[:1]).all()
        fitted = tuning_problem.adapt(run.train).leading_head.heads[0]  # a head that is fitted anew is not softened
        head = fitted if method.refits_head else tuning_problem.initial_head(run.train)
        expected = head.scores(tuning_problem.problem.features[run.test])
        np.testing.assert_allclose(scores[0, 0], expected, rtol=1e-3, atol=1e-3 * np.abs(expected).max())
        assert not state_in(a_run(tuning_problem, method).weights(LAST))

    def test_the_same_seed_gives_the_same_bytes_and_another_others(self, method, tuning_problem):
        first, again = (a_run(tuning_problem, method).weights(LAST) for _ in range(2))
        assert same(first, again)
        other = replace(tuning_problem, problem=replace(tuning_problem.problem, seed=1), _loader={})
        assert not same(state_in(a_run(other, method).weights(LAST)), state_in(first))

    def test_leaves_the_parent_alone(self, method, tuning_problem):
        before = (
            tuning_problem.source.digest,
            digest((tuning_problem.source.state(),)),
            digest((tuning_problem.problem.features,)),
        )
        assert state_in(a_run(tuning_problem, method).weights(LAST))
        assert before == (
            tuning_problem.source.digest,
            digest((tuning_problem.source.state(),)),
            digest((tuning_problem.problem.features,)),
        )

    def test_the_graph_is_the_network(self, method, tuning_problem):
        run = a_run(tuning_problem, method)
        tuned = TunedSource(
            tuning_problem.source, state_in(run.weights(LAST)), made={"method": method.name, "dataset": "tiny"}
        )
        batch = tuned.input.transform(tuning_problem.items)
        (written,) = tuned.session().run(None, batch)
        with torch.no_grad():
            tensors = {name: torch.from_numpy(array) for name, array in batch.items()}
            found = [module(**tensors).numpy() for module in (run._model.module, tuned.module())]
        for features in found:
            np.testing.assert_allclose(features, written, rtol=1e-4, atol=1e-4 * np.abs(written).max())
        assert np.abs(written - tuning_problem.problem.features).max() > 1e-3 * np.abs(written).max()

    def test_interrupted_anywhere_and_restarted_it_ends_with_the_same_bytes(self, method, tuning_problem, monkeypatch):
        whole = a_run(tuning_problem, method).weights(LAST)
        monkeypatch.setattr(checkpoint, "INTERVAL_S", 0.0)
        descend, breaks = loop.descend, set(np.random.default_rng().choice(np.arange(1, 9), 2, replace=False))
        count = []

        def broken(*settings):
            count.append(1)
            if len(count) in breaks:
                raise KeyboardInterrupt
            return descend(*settings)

        monkeypatch.setattr(loop, "descend", broken)
        for _ in range(2):
            with suppress(KeyboardInterrupt):
                a_run(tuning_problem, method).weights(LAST)
        assert same(a_run(tuning_problem, method).weights(LAST), whole), breaks
        assert len(count) == 8 + 2


@pytest.mark.parametrize("method", METHODS, ids=lambda method: method.name)
def test_learns_what_the_frozen_head_cannot(method, tmp_path, cache):
    """Whether one word, or another, but not both stand in a text."""
    tuning_problem = tiny_tuning_problem.tuning_problem("bert", tmp_path, 160, drawn=True)
    train, test = np.arange(80), np.arange(80, 160)
    rate = {"learning_rate": 8e-3, "head_learning_rate": 8e-3, "layer_decay": 1.0, "dropout": 0.0, "l2_sp": 0.0}
    length = {"epochs": 40, "max_steps": 200, "batch_size": 16, "trainable_fraction": 1.0}
    settings = replace(method.settings, **rate, **length)
    scores = Run(tuning_problem=tuning_problem, method=method, settings=settings, train=train, test=test).scores()
    right = tuning_problem.problem.targets[test].argmax(axis=1)
    frozen = tuning_problem.initial_head(train).scores(tuning_problem.problem.features[test]).argmax(axis=1) == right
    tuned = scores[LAST].argmax(axis=1) == right
    assert tuned.mean() > frozen.mean() + 0.1
