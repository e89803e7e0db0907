"""Contrastive tuning of a tiny text network."""

import time
from dataclasses import replace
from functools import partial

import numpy as np
import pytest

import tiny
from headstart.core.tasks import get_task
from headstart.engines.context import RunContext
from headstart.features import embed
from headstart.heads.problem import Problem
from headstart.sources.tuned import TunedSource
from headstart.storage.result_cache import ResultCache
from headstart.tuning.cross_fitting import search_settings
from headstart.tuning.loop import N_POINTS
from headstart.tuning.methods.contrastive import Contrastive
from headstart.tuning.run import Choice, Run
from headstart.tuning.search import search
from headstart.tuning.tuning_problem import TuningProblem

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
    return TuningProblem(
        source=source,
        items=texts,
        problem=problem,
        fold_groups=problem.groups,
        head="ridge",
        context=RunContext(),
    )


def run_of(tuning_problem, **options):
    method = Contrastive()
    settings = replace(method.settings, learning_rate=1e-2, min_steps=60)  # a tiny network of random weights
    return Run(tuning_problem=tuning_problem, method=method, settings=settings, train=np.arange(20), **options)


def test_suits_texts_in_classes_and_pays_at_few_labels(tmp_path):
    text, photo = (tiny.source(name, tmp_path / name) for name in ("bert", "resnet"))
    method = Contrastive()
    assert method.supports(text, get_task("binary"))
    assert method.supports(text, get_task("multiclass"))
    assert not method.supports(text, get_task("multilabel"))
    assert not method.supports(text, get_task("regression"))
    assert not method.supports(photo, get_task("binary"))
    assert method.is_worth_trying(2 * 128, 2)
    assert not method.is_worth_trying(2 * 129, 2)


def test_texts_of_one_class_come_closer_and_frozen_blocks_stay(tmp_path):
    tuning_problem = ground_of(tmp_path)
    run = run_of(tuning_problem, test=np.arange(20, 32))
    assert np.isfinite(run.scores()).all()

    def cosines(features):
        unit = features / np.linalg.norm(features, axis=1, keepdims=True)
        same = np.equal.outer(tuning_problem.problem.targets[:20, 0], tuning_problem.problem.targets[:20, 0])
        return (unit @ unit.T)[same].mean() - (unit @ unit.T)[~same].mean()

    made = run_of(tuning_problem).weights(Choice(N_POINTS - 1, -1))
    changed = {name.removeprefix("state ") for name in made if name.startswith("state ")}
    assert changed
    assert all(name.startswith("encoder.layer.") for name in changed)
    tuned = TunedSource(
        tuning_problem.source, {name: made[f"state {name}"] for name in changed}, made={"method": "contrastive"}
    )
    after = embed(tuning_problem.items[:20], tuned, cache=False).values
    assert cosines(after) > cosines(tuning_problem.problem.features[:20]) + 0.1


def test_the_same_seed_gives_the_same_scores(tmp_path):
    tuning_problem = ground_of(tmp_path)
    first, second = (run_of(tuning_problem, test=np.arange(20, 32)).scores() for _ in range(2))
    np.testing.assert_array_equal(first, second)


def test_a_search_keeps_what_lost_least_and_leaves_no_checkpoint(tmp_path, monkeypatch):
    monkeypatch.setattr("headstart.tuning.checkpoint.INTERVAL_S", 0.0)
    monkeypatch.setattr("headstart.tuning.cross_fitting.search", partial(search, max_attempts=5))
    tuning_problem = replace(ground_of(tmp_path), context=RunContext(cache=ResultCache(tmp_path / "results")))
    fold = np.arange(24), np.arange(24, 32)
    found = search_settings(tuning_problem, Contrastive(), fold, budget_s=60.0)
    finished = [attempt for attempt in found.tried if attempt.ended == "finished"]
    assert len(found.tried) == 5
    assert found.best == min(finished, key=lambda attempt: attempt.loss).settings
    assert all(len(attempt.losses) < N_POINTS for attempt in found.tried if attempt.ended == "pruned")
    assert not list((tmp_path / "cache" / "tuning").glob("*"))
    started = time.monotonic()
    assert search_settings(tuning_problem, Contrastive(), fold, budget_s=60.0) == found
    assert time.monotonic() - started < 1.0
