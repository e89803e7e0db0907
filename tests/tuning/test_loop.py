"""The loop and what it stands on: the head's twin in torch, steps that depend on their number alone, runs that go on."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace

import numpy as np
import pytest
import torch

import tiny
import tiny_tuning_problem
from headstart.engines.context import RunContext
from headstart.features import embed
from headstart.heads import adapt
from headstart.heads.problem import Problem
from headstart.heads.transforms import TRANSFORMS
from headstart.storage.result_cache import ResultCache
from headstart.tuning import TuningProblem, TuningSettings, loop, running_loss
from headstart.tuning.loop import N_POINTS
from headstart.tuning.methods.fine_tune import FineTune
from headstart.tuning.run import ALPHAS, Choice, Run
from headstart.tuning.torch_head import TorchHead

SETTINGS = TuningSettings(
    learning_rate=1e-5, head_learning_rate=1e-3, epochs=2, min_steps=8, batch_size=8, trainable_fraction=0.5
)


@pytest.fixture
def tuning_problem(tmp_path, monkeypatch) -> TuningProblem:
    monkeypatch.setenv("HEADSTART_CACHE", str(tmp_path / "cache"))
    source = tiny.source("resnet", tmp_path)
    rng = np.random.default_rng(0)
    classes = np.arange(24) % 2
    items = [rng.integers(60 * c, 196 + 60 * c, (32, 32, 3), dtype=np.uint8) for c in classes]
    features = embed(items, source, cache=False).values
    problem = Problem(features=features, targets=np.eye(2)[classes], task="binary", groups=np.arange(24), seed=0)
    return TuningProblem(
        source=source,
        items=items,
        problem=problem,
        fold_groups=np.arange(24),
        head="ridge",
        context=RunContext(),
    )


def a_run(tuning_problem: TuningProblem, **settings) -> Run:
    return Run(
        tuning_problem=tuning_problem,
        method=FineTune(),
        settings=replace(SETTINGS, **settings),
        train=np.arange(18),
        test=np.arange(18, 24),
    )


@pytest.mark.parametrize("transform", TRANSFORMS)
@pytest.mark.parametrize("unit_length", [False, True])
def test_the_torch_head_is_the_head(transform, unit_length):
    rng = np.random.default_rng(1)
    x = rng.normal(size=(50, 6)).astype(np.float32)
    head = adapt(x, np.eye(3)[np.arange(50) % 3], task="multiclass", groups=np.arange(50), head="ridge").head.heads[0]
    head = replace(head, transform=transform, unit_length=unit_length)
    twin = TorchHead(head, x)
    np.testing.assert_allclose(twin(torch.from_numpy(x)).detach().numpy(), head.scores(x), atol=1e-4)
    np.testing.assert_allclose(twin.fitted().scores(x), head.scores(x), atol=1e-4)


@pytest.mark.parametrize("transform", ["sqrt", "power"])
def test_slopes_of_roots_are_finite_at_zero_and_right_elsewhere(transform):
    from headstart.tuning.torch_head import _TRANSFORMS

    x = torch.tensor([0.0, 0.04, -0.5, 2.0], requires_grad=True)
    _TRANSFORMS[transform](x).sum().backward()
    exponent = {"sqrt": 0.5, "power": 0.75}[transform]
    assert torch.isfinite(x.grad).all()
    torch.testing.assert_close(x.grad[1:], exponent * x.detach()[1:].abs() ** (exponent - 1))


def test_frozen_blocks_that_are_kept_change_nothing(tuning_problem):
    from headstart.tuning.frozen_feature_loader import FrozenFeatureLoader

    run = a_run(tuning_problem)
    used = np.arange(24)
    kept = FrozenFeatureLoader(run._model, tuning_problem.items, used, "flip")
    anew = FrozenFeatureLoader(run._model, tuning_problem.items, used, "flip", keep=False)
    assert kept.are_kept
    assert not anew.are_kept
    index = np.array([3, 17, 0, 5])
    torch.testing.assert_close(run._model.features(*kept.plain(index)), run._model.features(*anew.plain(index)))
    np.testing.assert_allclose(
        run._model.features(*kept.plain(index)).detach().numpy(), tuning_problem.problem.features[index], atol=1e-4
    )


def test_padding_of_kept_texts_is_not_looked_at(tmp_path):
    from headstart.tuning.frozen_feature_loader import FrozenFeatureLoader
    from headstart.tuning.trainable_model import TrainableModel

    source = tiny.source("bert", tmp_path)
    items = ["the kiwi", "a good bad apple before the race is given " * 3, "", "the race"]
    features = embed(items, source, cache=False).values
    head = adapt(features, np.eye(2)[[0, 1, 0, 1]], task="binary", groups=np.arange(4), head="ridge").head.heads[0]
    model = TrainableModel(source, head, features, "binary")
    FineTune().start(model, SETTINGS, 4)
    loader = FrozenFeatureLoader(model, items, np.arange(4), "none")
    for index in ([0, 1, 2, 3], [2], [3, 0]):
        found = model.features(*loader.plain(np.array(index))).detach().numpy()
        np.testing.assert_allclose(found, features[index], atol=1e-4)


def test_photos_are_decoded_once(tuning_problem, monkeypatch):
    from headstart.sources.preprocessors.pixels import ImagePreprocessor
    from headstart.tuning.frozen_feature_loader import FrozenFeatureLoader

    run = a_run(tuning_problem, trainable_fraction=1.0)
    assert run._model.first == 0
    loader = FrozenFeatureLoader(run._model, tuning_problem.items, np.arange(24), "crop")
    index, seen = np.array([3, 17, 0, 5]), torch.Generator().manual_seed(0)
    first = loader.plain(index)[1]["pixels"]
    monkeypatch.setattr(ImagePreprocessor, "transform", None)
    assert torch.equal(loader.plain(index[::-1].copy())[1]["pixels"], first.flip(0))
    assert not torch.equal(loader.draw(index, seen)[1]["pixels"], loader.draw(index, seen)[1]["pixels"])


@pytest.mark.parametrize("augmentation", ["none", "light"])
@pytest.mark.parametrize("keep", [True, False])
def test_texts_are_cut_in_training_alone(augmentation, keep, tmp_path):
    from headstart.tuning.frozen_feature_loader import FrozenFeatureLoader

    problem = tiny_tuning_problem.tuning_problem("bert", tmp_path, n=12)
    items = [text + " the race" * 5 for text in problem.items]
    run = a_run(problem, trainable_fraction=0.5)
    run = replace(run, train=np.arange(8), test=np.arange(8, 12))
    loader = FrozenFeatureLoader(run._model, items, np.arange(12), augmentation, max_tokens=4, keep=keep)
    hidden, batch = loader.draw(np.arange(3), torch.Generator().manual_seed(0))
    assert hidden.shape[1] == batch["attention_mask"].shape[1] == 4
    hidden, batch = loader.plain(np.arange(3))
    assert hidden.shape[1] == batch["attention_mask"].shape[1] > 4


def test_a_run_can_end_within_an_epoch(tuning_problem, monkeypatch):
    descend, count = loop.descend, []
    monkeypatch.setattr(loop, "descend", lambda *settings: (count.append(1), descend(*settings)))
    assert len(a_run(tuning_problem, epochs=20, batch_size=4, max_steps=11).scores()) == N_POINTS
    assert len(count) == 11


def test_two_runs_are_one(tuning_problem):
    np.testing.assert_array_equal(a_run(tuning_problem).scores(), a_run(tuning_problem).scores())


def test_a_run_that_is_broken_off_ends_with_the_same_bits(tuning_problem, monkeypatch):
    from headstart.tuning import checkpoint

    choice = Choice(point=N_POINTS - 1, alpha=1)
    whole, scores = a_run(tuning_problem).weights(choice), a_run(tuning_problem).scores()
    monkeypatch.setattr(checkpoint, "INTERVAL_S", 0.0)
    descend, count = loop.descend, []

    def broken_at(*settings):
        count.append(1)
        if len(count) in (3, 6, 17):
            raise KeyboardInterrupt
        return descend(*settings)

    monkeypatch.setattr(loop, "descend", broken_at)
    for asked, expected in ((lambda run: run.weights(choice), whole), (lambda run: {"s": run.scores()}, {"s": scores})):
        for _ in range(3):
            with suppress(KeyboardInterrupt):
                found = asked(a_run(tuning_problem))
                break
        assert set(found) == set(expected)
        for name, array in expected.items():
            np.testing.assert_array_equal(found[name], array, err_msg=name)
    assert len(count) == 2 * 8 + 3


@pytest.mark.parametrize("learn_statistics", [False, True])
def test_weights_that_were_kept_while_scoring_are_those_of_another_training(
    tuning_problem, tmp_path, monkeypatch, learn_statistics
):
    cached = replace(tuning_problem, context=RunContext(cache=ResultCache(tmp_path / "results")))
    run = replace(a_run(cached, batch_size=16, learn_statistics=learn_statistics), keeps_weights=True)
    choices = [Choice(point, alpha) for point in range(N_POINTS) for alpha in range(len(ALPHAS))]
    trained = [a_run(tuning_problem, batch_size=16, learn_statistics=learn_statistics).weights(one) for one in choices]
    replace(run).scores()
    monkeypatch.setattr(loop, "descend", None)
    for choice, expected in zip(choices, trained, strict=True):
        kept = replace(run).weights(choice)
        assert set(kept) == set(expected)
        for name, array in expected.items():
            np.testing.assert_array_equal(kept[name], array, err_msg=name)


def test_a_run_that_diverges_is_stopped(tuning_problem):
    with pytest.raises(running_loss.Diverged):
        a_run(tuning_problem, head_learning_rate=1e3, learning_rate=1e3).scores()


def test_a_run_that_has_lost_what_it_began_with_is_stopped_where_it_is_looked_at(tuning_problem, monkeypatch):
    monkeypatch.setattr(running_loss, "_DIVERGED", (np.inf, np.inf))
    with pytest.raises(running_loss.Diverged):
        a_run(tuning_problem, head_learning_rate=1e3, learning_rate=1e3).scores()


def test_the_blend_lies_between(tuning_problem):
    scores = a_run(tuning_problem).scores()
    assert scores.shape == (N_POINTS, len(ALPHAS), 6, 2)
    below = tuning_problem.initial_head(np.arange(18)).scores(tuning_problem.problem.features[18:])
    distance = np.abs(scores[-1] - below).mean(axis=(1, 2))
    assert 0 < distance[0] < distance[1]


def test_runs_that_are_averaged_are_the_mean_of_their_weights(tuning_problem):
    one, other = (replace(SETTINGS, learning_rate=rate) for rate in (1e-5, 3e-5))
    both = a_run(tuning_problem, soup_members=(other,))
    singles = [replace(both, settings=settings).tuned() for settings in (one, other)]
    for name, weights in both.tuned().items():
        torch.testing.assert_close(weights, (singles[0][name] + singles[1][name]) / 2)
    assert both.scores().shape == (1, len(ALPHAS), 6, 2)
    made = both.weights(Choice(point=0, alpha=len(ALPHAS) - 1))
    twin = both.tuned()["head.coef"] / both._model.head._unit
    np.testing.assert_allclose(made["coef"], twin.numpy(), rtol=1e-5)


def test_a_soup_is_stirred_of_what_a_search_finished(tuning_problem):
    from headstart.tuning.cross_fitting import soup_settings
    from headstart.tuning.search import Attempt, SearchResult

    fold = np.arange(18), np.arange(18, 24)
    tried = tuple(
        Attempt(
            settings=replace(
                SETTINGS,
                learning_rate=rate,
                head_learning_rate=1e-5,
                trainable_fraction=trainable_fraction,
                augmentation="none",
                learn_statistics=False,
            ),
            losses=(),
            loss=loss,
            seconds=1.0,
            ended=ended,
        )
        for rate, trainable_fraction, loss, ended in (
            (1e-9, 0.5, 0.1, "finished"),
            (2e-9, 1.0, 0.2, "finished"),
            (3e-9, 0.5, 0.3, "pruned"),
            (1.1e-9, 0.5, 0.4, "finished"),
        )
    )
    found = SearchResult(best=tried[0].settings, tried=tried)
    settings = soup_settings(tuning_problem, FineTune(settings=tried[0].settings), fold, found, max_members=3)
    assert {one.learning_rate for one in settings.all_settings} <= {1e-9, 1.1e-9}
    assert all(one.trainable_fraction == 0.5 for one in settings.all_settings)
    assert (
        soup_settings(tuning_problem, FineTune(settings=tried[0].settings), fold, found, max_members=1)
        == tried[0].settings
    )
