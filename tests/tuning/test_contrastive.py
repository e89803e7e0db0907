"""Contrastive tuning of a tiny text network."""

import time
from dataclasses import replace
from functools import partial

import numpy as np
import pytest

import tiny
from headstart.adaptation.problem import Problem
from headstart.core.tasks import get_task
from headstart.engines.journal import Journal
from headstart.features import embed
from headstart.sources.tuned import TunedSource
from headstart.tuning.ground import Ground
from headstart.tuning.loop import N_POINTS
from headstart.tuning.run import Choice, Run
from headstart.tuning.rung import searched
from headstart.tuning.search import search
from headstart.tuning.strategies.contrastive import Contrastive

FRUIT, RACE = "kiwi apple shelf".split(), "race start advantage".split()


@pytest.fixture(autouse=True)
def _cache(tmp_path, monkeypatch):
    monkeypatch.setenv("HEADSTART_CACHE", str(tmp_path / "cache"))


def ground_of(tmp_path, n=32):
    """Short texts of two topics, in words that both share and words that one has."""
    rng = np.random.default_rng(0)
    labels = np.arange(n) % 2
    texts = [" ".join([*rng.choice(["a", "is", "the"], 4), rng.choice(RACE if label else FRUIT)]) for label in labels]
    source = tiny.source("bert", tmp_path / "bert")
    features = embed(texts, source, cache=False).values
    problem = Problem(features=features, targets=np.eye(2)[labels], task="binary", groups=np.arange(n), seed=0)
    return Ground(
        source=source, items=texts, problem=problem, apart=problem.groups, head="ridge", journal=Journal(None)
    )


def run_of(ground, **options):
    strategy = Contrastive()
    settings = replace(strategy.settings, learning_rate=1e-2, least_steps=60)  # a tiny network of random weights
    return Run(ground=ground, strategy=strategy, settings=settings, learnt=np.arange(20), **options)


def test_suits_texts_in_classes_and_pays_at_few_labels(tmp_path):
    text, photo = (tiny.source(name, tmp_path / name) for name in ("bert", "resnet"))
    strategy = Contrastive()
    assert strategy.suits(text, get_task("binary"))
    assert strategy.suits(text, get_task("multiclass"))
    assert not strategy.suits(text, get_task("multilabel"))
    assert not strategy.suits(text, get_task("regression"))
    assert not strategy.suits(photo, get_task("binary"))
    assert strategy.pays(2 * 64, 2)
    assert not strategy.pays(2 * 65, 2)


def test_texts_of_one_class_come_closer_and_frozen_blocks_stay(tmp_path):
    ground = ground_of(tmp_path)
    run = run_of(ground, held_out=np.arange(20, 32))
    assert np.isfinite(run.scores()).all()

    def cosines(features):
        unit = features / np.linalg.norm(features, axis=1, keepdims=True)
        same = np.equal.outer(ground.problem.targets[:20, 0], ground.problem.targets[:20, 0])
        return (unit @ unit.T)[same].mean() - (unit @ unit.T)[~same].mean()

    made = run_of(ground).weights(Choice(N_POINTS - 1, -1))
    changed = {name.removeprefix("state ") for name in made if name.startswith("state ")}
    assert changed
    assert all(name.startswith("encoder.layer.") for name in changed)
    tuned = TunedSource(
        ground.source, {name: made[f"state {name}"] for name in changed}, made={"strategy": "contrastive"}
    )
    after = embed(ground.items[:20], tuned, cache=False).values
    assert cosines(after) > cosines(ground.problem.features[:20]) + 0.1


def test_the_same_seed_gives_the_same_scores(tmp_path):
    ground = ground_of(tmp_path)
    first, second = (run_of(ground, held_out=np.arange(20, 32)).scores() for _ in range(2))
    np.testing.assert_array_equal(first, second)


def test_a_search_keeps_what_lost_least_and_leaves_no_checkpoint(tmp_path, monkeypatch):
    monkeypatch.setattr("headstart.tuning.checkpoint.INTERVAL_S", 0.0)
    monkeypatch.setattr("headstart.tuning.rung.search", partial(search, most=5))
    ground = replace(ground_of(tmp_path), journal=Journal(tmp_path / "journal"))
    fold = np.arange(24), np.arange(24, 32)
    found = searched(ground, Contrastive(), fold, budget_s=60.0)
    finished = [attempt for attempt in found.tried if attempt.ended == "finished"]
    assert len(found.tried) == 5
    assert found.best == min(finished, key=lambda attempt: attempt.loss).settings
    assert all(len(attempt.losses) < N_POINTS for attempt in found.tried if attempt.ended == "pruned")
    assert not list((tmp_path / "cache" / "tuning").glob("*"))
    began = time.monotonic()
    assert searched(ground, Contrastive(), fold, budget_s=60.0) == found
    assert time.monotonic() - began < 1.0
