"""How the climb decides: what is kept, what is given up and when, and what a budget leaves out."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

import tiny_ground
from headstart.core import registry
from headstart.core.dataset import Dataset
from headstart.engines.clock import Clock
from headstart.proof.tuned import Tuned
from headstart.tuning import climb, ladder, rung
from headstart.tuning.loop import N_POINTS
from headstart.tuning.plan import Planned
from headstart.tuning.run import ALPHAS
from headstart.tuning.running_loss import Diverged
from headstart.tuning.settings import Settings
from headstart.tuning.strategies.fine_tune import FineTune

if TYPE_CHECKING:
    from headstart.core.dataset import IntArray
    from headstart.tuning import Ground
    from headstart.tuning.strategy import Strategy

N = 80
EVERYTHING = np.arange(N)
FOLDS = [(np.setdiff1d(EVERYTHING, part), part) for part in np.array_split(EVERYTHING, 4)]


@pytest.fixture(scope="module")
def ground(tmp_path_factory):
    return tiny_ground.ground("bert", tmp_path_factory.mktemp("bert"), n=N)


def sure(targets: np.ndarray, share: float) -> np.ndarray:
    """Scores that are right about so large a share of the items, in the same places each time."""
    is_right = np.random.default_rng(0).permutation(len(targets)) < round(share * len(targets))
    return np.where(is_right[:, None], targets, 1 - targets) * 4.0


@pytest.fixture
def runs(ground, monkeypatch):
    """Runs whose networks are right about a given share of what they are asked, by the strategy's name; and who ran.

    None is for those that diverge, and a negative share for those that do so unless they are calmed.
    """
    shares: dict[str, float | None] = {}
    made: list[str] = []

    @dataclass(frozen=True, kw_only=True)
    class Scripted:
        ground: Ground
        strategy: Strategy
        settings: Settings
        learnt: IntArray
        held_out: IntArray

        def scores(self):
            made.append(self.strategy.name)
            share = shares[self.strategy.name]
            if share is None or (share < 0 and self.settings == self.strategy.settings):
                raise Diverged
            one = sure(ground.problem.targets, abs(share))[self.held_out]
            return np.broadcast_to(one, (N_POINTS, len(ALPHAS), *one.shape))

    monkeypatch.setattr(rung, "Run", Scripted)
    return shares, made


def climbed(ground, *, seconds=0.0, budget=None, below=None):
    planned = [
        Planned(strategy=registry.get("strategies", name)(), seconds=seconds) for name in ("contrastive", "bias")
    ]
    below = np.where(sure(ground.problem.targets, 0.7) > 0, 0.7, 0.3) if below is None else below
    return climb(ground, planned, FOLDS, below=below, clock=Clock(budget))


def test_what_exceeds_one_standard_error_is_kept_and_the_next_is_compared_with_it(ground, runs):
    shares, made = runs
    shares |= {"contrastive": 0.95, "bias": 0.95}
    found = climbed(ground)
    first, second = found.rungs[1:]
    assert first.kept
    assert not second.kept
    assert second.below is first
    assert found.best.strategy.name == "contrastive"
    assert found.outputs.shape == (N, 2)
    assert (found.outputs.argmax(1) == ground.problem.targets.argmax(1)).mean() == pytest.approx(0.95, abs=0.01)
    assert made[:5] == ["contrastive"] * 4 + ["bias"]


def test_what_is_surer_but_less_often_right_is_not_kept(ground, runs):
    shares, _ = runs
    shares |= {"contrastive": 0.65, "bias": 0.65}
    found = climbed(ground, below=np.where(sure(ground.problem.targets, 0.7) > 0, 0.999, 0.001))
    assert found.best is None
    assert len(found.rungs[1].outputs) == N
    assert found.rungs[1].why.startswith("not better than the closed form by more than one standard error")


def test_what_harms_is_given_up_after_one_part(ground, runs):
    shares, made = runs
    shares |= {"contrastive": 0.5, "bias": 0.95}
    found = climbed(ground)
    assert made == ["contrastive"] + ["bias"] * 4
    harmful, useful = found.rungs[1:]
    assert not harmful.kept
    assert len(harmful.outputs) == N // 4
    assert harmful.why.startswith("given up after 20 of 80 held-out items")
    assert useful.kept
    assert useful.below is found.rungs[0]


def test_few_folds_compare_rungs_where_they_hold_out_enough(ground, runs, monkeypatch):
    monkeypatch.setattr(ladder, "_ENOUGH_HELD_OUT", 40)
    shares, made = runs
    shares |= {"contrastive": 0.95, "bias": 0.5}
    found = climbed(ground)
    assert made == ["contrastive"] * 2 + ["bias"]
    assert len(found.index) == len(found.outputs) == len(found.rungs[0].outputs) == N // 2
    outputs = rung.elsewhere(ground, found.best, FOLDS[2:])
    later = ground.problem.targets[N // 2 :]
    assert made == ["contrastive"] * 2 + ["bias"] + ["contrastive"] * 2
    assert (outputs.argmax(1) == later.argmax(1)).mean() == pytest.approx(0.95, abs=0.05)


def test_what_diverges_is_stopped_and_the_climb_goes_on(ground, runs):
    shares, _ = runs
    shares |= {"contrastive": None, "bias": 0.95}
    diverged, useful = climbed(ground).rungs[1:]
    assert diverged.why.startswith("stopped")
    assert diverged.outputs is None
    assert useful.kept


def test_what_diverges_is_begun_again_at_lower_rates(ground, runs):
    shares, made = runs
    shares |= {"contrastive": -0.95, "bias": 0.5}
    calmed = climbed(ground).rungs[1]
    assert calmed.kept
    assert made[:8] == ["contrastive"] * 8
    assert calmed.why.endswith("; 4 of its runs diverged and went on at a third of the rates")


def test_all_runs_of_a_soup_are_calmed():
    settings = Settings(learning_rate=3e-3, head_rate=3e-4, also=(Settings(learning_rate=6e-3, depth=0.5),))
    first, other = settings.calmer.each
    assert (first.learning_rate, first.head_rate) == pytest.approx((1e-3, 1e-4))
    assert (other.learning_rate, other.head_rate, other.depth) == pytest.approx((2e-3, 1e-4 / 3, 0.5))


def test_the_network_that_ships_names_the_rates_that_it_was_tuned_at(ground, monkeypatch, cache):
    strategy = replace(FineTune(), settings=Settings(epochs=1, least_steps=4, batch_size=8, depth=0.5))

    class Wild(rung.Run):
        def weights(self, choice):
            if self.settings == strategy.settings:
                raise Diverged
            return super().weights(choice)

    scores = np.stack([[sure(ground.problem.targets, 0.9)] * len(ALPHAS)] * N_POINTS)
    trial = rung.Trial(strategy=strategy, index=EVERYTHING, block=EVERYTHING % 2, scores=scores)
    monkeypatch.setattr(rung, "Run", Wild)
    source, _ = rung.finished(ground, trial, EVERYTHING, dataset="tiny")
    assert source.made["settings"] == asdict(strategy.settings.calmer)


def test_parts_of_one_cluster_each_can_be_judged(ground, runs):
    shares, made = runs
    shares |= {"contrastive": 0.95, "bias": 0.5}
    clusters = np.concatenate([np.full(len(part), number) for number, (_, part) in enumerate(FOLDS)])
    found = climbed(replace(ground, apart=clusters))
    assert found.rungs[1].kept
    assert made[:4] == ["contrastive"] * 4


def test_what_does_not_fit_into_the_budget_is_not_tried(ground, runs):
    found = climbed(ground, seconds=1000.0, budget=10.0)
    assert not runs[1]
    assert all("10 s of the budget are left" in one.why for one in found.rungs[1:])
    assert found.best is None


def test_a_rung_that_was_given_up_is_described_by_what_was_seen(ground, runs):
    shares, _ = runs
    shares |= {"contrastive": 0.5, "bias": 0.95}
    found = climbed(ground)
    dataset = Dataset(
        name="tiny",
        items=ground.items,
        targets=ground.problem.targets,
        task="binary",
        labels=("a", "b"),
        modality="text",
        ids=[str(i) for i in EVERYTHING],
    )

    class Arena:
        seed = 0

    Arena.dataset = dataset
    tuned = Tuned(rungs=found.rungs, index=found.index, apart=EVERYTHING)
    closed, harmful, useful = tuned.describe(Arena, ground.problem.task_spec.headline(ground.problem.targets))
    assert [one["metric"]["n"] for one in (closed, harmful, useful)] == [N, N // 4, N]
    assert harmful["gain"]["high"] < 0.3
    assert useful["gain"]["value"] == pytest.approx(0.25)


@pytest.mark.parametrize(("n_items", "size"), [(16, 8), (128, 10), (256, 19), (10_000, 32)])
def test_few_items_make_small_batches_rather_than_many_epochs(n_items, size):
    strategy = registry.get("strategies", "fine-tune")()
    assert (strategy.settings.epochs, strategy.settings.least_steps, strategy.settings.batch_size) == (3, 40, 32)
    assert strategy.batch_size(n_items, strategy.settings) == size


@pytest.mark.parametrize(("n_items", "n_steps"), [(16, 40), (320, 52), (2000, 186), (3718, 190), (100_000, 190)])
def test_a_run_ends_however_many_items_are_left(n_items, n_steps):
    strategy = registry.get("strategies", "fine-tune")()
    n_batches = round(n_items / strategy.batch_size(n_items, strategy.settings))
    assert strategy.settings.n_steps(n_batches) == n_steps


def test_no_more_items_are_asked_about_than_tell_rungs_apart():
    few, many = (ladder.inner_folds(np.arange(n), np.eye(2)[np.arange(n) % 2], 0) for n in (400, 10_000))
    assert [len(held_out) for _, held_out in few] == [100, 100]
    assert [len(held_out) for _, held_out in many] == [1000]
    assert all(len(learnt) + len(held_out) == 10_000 for learnt, held_out in many)


def test_pairs_want_whole_batches():
    strategy = registry.get("strategies", "contrastive")()
    assert strategy.batch_size(48, strategy.settings) == 32
