"""What every strategy promises, a plugin's too: it learns, it can be undone, repeated, written as a graph, and broken off."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace

import numpy as np
import pytest
import torch

import tiny_ground
from headstart.core import registry
from headstart.engines.journal import digest
from headstart.sources import TunedSource
from headstart.tuning import checkpoint, loop
from headstart.tuning import run as running
from headstart.tuning.loop import N_POINTS
from headstart.tuning.run import Choice, Run

STRATEGIES = [registry.get("strategies", name)() for name in registry.names("strategies")]
N = 32
LAST = Choice(point=N_POINTS - 1, alpha=-1)
SHORT = {"learning_rate": 1e-2, "epochs": 1, "least_steps": 8, "batch_size": 8, "depth": 0.5, "rank": 2}


@pytest.fixture(scope="module")
def ground(request, tmp_path_factory):
    return tiny_ground.ground(request.param, tmp_path_factory.mktemp(request.param), n=N)


def a_run(ground, strategy, **settings) -> Run:
    return Run(
        ground=ground,
        strategy=strategy,
        settings=replace(strategy.settings, **{**SHORT, **settings}),
        learnt=np.arange(N // 2),
        held_out=np.arange(N // 2, N),
    )


def state_in(arrays):
    return {name.removeprefix("state "): array for name, array in arrays.items() if name.startswith("state ")}


def same(found, expected) -> bool:
    return set(found) == set(expected) and all(np.array_equal(found[name], expected[name]) for name in expected)


@pytest.mark.usefixtures("cache")
@pytest.mark.parametrize(("ground", "strategy"), tiny_ground.pairs("bert", "efficientnet-lite"), indirect=["ground"])
class TestEveryStrategy:
    def test_alpha_of_nought_is_the_rung_below(self, strategy, ground, monkeypatch):
        monkeypatch.setattr(running, "ALPHAS", (0.0,))
        run = a_run(ground, strategy)
        scores = run.scores()
        assert (scores == scores[:1]).all()
        fitted = ground.adapt(run.learnt).leading_head.heads[0]  # a head that is fitted anew is not softened
        head = fitted if strategy.refits_head else ground.began(run.learnt)
        expected = head.scores(ground.problem.features[run.held_out])
        np.testing.assert_allclose(scores[0, 0], expected, rtol=1e-3, atol=1e-3 * np.abs(expected).max())
        assert not state_in(a_run(ground, strategy).weights(LAST))

    def test_the_same_seed_gives_the_same_bytes_and_another_others(self, strategy, ground):
        first, again = (a_run(ground, strategy).weights(LAST) for _ in range(2))
        assert same(first, again)
        other = replace(ground, problem=replace(ground.problem, seed=1), _examples={})
        assert not same(state_in(a_run(other, strategy).weights(LAST)), state_in(first))

    def test_leaves_the_parent_alone(self, strategy, ground):
        before = ground.source.digest, digest((ground.source.state(),)), digest((ground.problem.features,))
        assert state_in(a_run(ground, strategy).weights(LAST))
        assert before == (ground.source.digest, digest((ground.source.state(),)), digest((ground.problem.features,)))

    def test_the_graph_is_the_network(self, strategy, ground):
        run = a_run(ground, strategy)
        tuned = TunedSource(
            ground.source, state_in(run.weights(LAST)), made={"strategy": strategy.name, "dataset": "tiny"}
        )
        batch = tuned.input.prepare(ground.items)
        (written,) = tuned.session().run(None, batch)
        with torch.no_grad():
            tensors = {name: torch.from_numpy(array) for name, array in batch.items()}
            found = [module(**tensors).numpy() for module in (run._trainee.module, tuned.module())]
        for features in found:
            np.testing.assert_allclose(features, written, rtol=1e-4, atol=1e-4 * np.abs(written).max())
        assert np.abs(written - ground.problem.features).max() > 1e-3 * np.abs(written).max()

    def test_broken_off_anywhere_and_begun_again_it_ends_with_the_same_bytes(self, strategy, ground, monkeypatch):
        whole = a_run(ground, strategy).weights(LAST)
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
                a_run(ground, strategy).weights(LAST)
        assert same(a_run(ground, strategy).weights(LAST), whole), breaks
        assert len(count) == 8 + 2


@pytest.mark.parametrize("strategy", STRATEGIES, ids=lambda strategy: strategy.name)
def test_learns_what_the_frozen_head_cannot(strategy, tmp_path, cache):
    """Whether one word, or another, but not both stand in a text."""
    ground = tiny_ground.ground("bert", tmp_path, 160, drawn=True)
    learnt, held_out = np.arange(80), np.arange(80, 160)
    rate = {"learning_rate": 8e-3, "head_rate": 8e-3, "layer_decay": 1.0, "dropout": 0.0, "l2_sp": 0.0}
    length = {"epochs": 40, "most_steps": 200, "batch_size": 16, "depth": 1.0}
    settings = replace(strategy.settings, **rate, **length)
    scores = Run(ground=ground, strategy=strategy, settings=settings, learnt=learnt, held_out=held_out).scores()
    right = ground.problem.targets[held_out].argmax(axis=1)
    frozen = ground.began(learnt).scores(ground.problem.features[held_out]).argmax(axis=1) == right
    tuned = scores[LAST].argmax(axis=1) == right
    assert tuned.mean() > frozen.mean() + 0.1
