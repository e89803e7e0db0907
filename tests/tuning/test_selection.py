"""How tuning decides: which methods are kept, which are given up and when, and what a budget excludes."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

import tiny_tuning_problem
from headstart.core import registry
from headstart.core.dataset import Dataset
from headstart.evaluation.tuned_network import Tuned
from headstart.tuning import cross_fitting, selection, tune
from headstart.tuning.loop import N_POINTS
from headstart.tuning.methods.fine_tune import FineTune
from headstart.tuning.plan import PlannedRun
from headstart.tuning.run import ALPHAS
from headstart.tuning.running_loss import Diverged
from headstart.tuning.settings import TuningSettings

if TYPE_CHECKING:
    from collections.abc import Callable

    from headstart.core.dataset import FloatArray, IntArray
    from headstart.tuning import TuningProblem
    from headstart.tuning.tuning_method import TuningMethod

N = 80
EVERYTHING = np.arange(N)
FOLDS = [(np.setdiff1d(EVERYTHING, part), part) for part in np.array_split(EVERYTHING, 4)]


@pytest.fixture(scope="module")
def tuning_problem(tmp_path_factory):
    return tiny_tuning_problem.tuning_problem("bert", tmp_path_factory.mktemp("bert"), n=N)


def sure(targets: np.ndarray, share: float) -> np.ndarray:
    """Scores that are right about this share of the items, always the same ones."""
    is_right = np.random.default_rng(0).permutation(len(targets)) < round(share * len(targets))
    return np.where(is_right[:, None], targets, 1 - targets) * 4.0


@dataclass
class Passing:
    """Time that passes only in runs."""

    now: float = 0.0
    half_s: float = 0.0
    run_s: float = 0.0


@pytest.fixture
def clock(monkeypatch):
    passing = Passing()
    monkeypatch.setattr(time, "perf_counter", lambda: passing.now)
    return passing


@pytest.fixture
def runs(tuning_problem, monkeypatch, clock):
    """Runs whose networks are right about a given share of the items, by the method's name; and the list of runs.

    None stands for runs that diverge, a negative share for those that diverge unless their rates are lowered.
    """
    shares: dict[str, float | None] = {}
    made: list[str] = []

    @dataclass(frozen=True, kw_only=True)
    class Scripted:
        tuning_problem: TuningProblem
        method: TuningMethod
        settings: TuningSettings
        train: IntArray
        test: IntArray
        on_point: Callable[[int, FloatArray], None] = lambda _, __: None
        keeps_weights: bool = False

        def scores(self):
            made.append(self.method.name)
            share = shares[self.method.name]
            if share is None or (share < 0 and self.settings == self.method.settings):
                raise Diverged
            clock.now += clock.half_s
            if halfway := shares.get("halfway"):
                scored = sure(tuning_problem.problem.targets, halfway)[self.test]
                self.on_point(1, np.broadcast_to(scored, (len(ALPHAS), *scored.shape)))
            clock.now += clock.run_s
            one = sure(tuning_problem.problem.targets, abs(share))[self.test]
            return np.broadcast_to(one, (N_POINTS, len(ALPHAS), *one.shape))

    monkeypatch.setattr(cross_fitting, "Run", Scripted)
    return shares, made


def tuning_result(tuning_problem, *, seconds=0.0, budget=None, below=None):
    planned = [
        PlannedRun(method=registry.get("tuning_methods", name)(), seconds=seconds) for name in ("contrastive", "bitfit")
    ]
    below = np.where(sure(tuning_problem.problem.targets, 0.7) > 0, 0.7, 0.3) if below is None else below
    context = tuning_problem.context.with_budget(budget)
    return tune(replace(tuning_problem, context=context), planned, FOLDS, below=below)


def test_what_exceeds_one_standard_error_is_kept_and_the_next_is_compared_with_it(tuning_problem, runs):
    shares, made = runs
    shares |= {"contrastive": 0.95, "bitfit": 0.95}
    found = tuning_result(tuning_problem)
    first, second = found.results[1:]
    assert first.kept
    assert not second.kept
    assert second.below is first
    assert found.best.method.name == "contrastive"
    assert found.outputs.shape == (N, 2)
    assert (found.outputs.argmax(1) == tuning_problem.problem.targets.argmax(1)).mean() == pytest.approx(0.95, abs=0.01)
    assert made[:5] == ["contrastive"] * 4 + ["bitfit"]


def test_a_lower_loss_counts_even_with_fewer_correct_decisions(tuning_problem, runs):
    shares, _ = runs
    shares |= {"contrastive": 0.65, "bitfit": 0.65}
    found = tuning_result(tuning_problem, below=np.where(sure(tuning_problem.problem.targets, 0.7) > 0, 0.999, 0.001))
    assert found.best.method.name == "contrastive"
    assert len(found.results[1].outputs) == N
    assert found.results[1].kept
    assert found.results[1].why == "lower loss than the closed form on held-out items"


def test_what_is_only_as_good_is_handed_on_as_a_model_but_not_kept(tuning_problem, runs):
    shares, made = runs
    shares |= {"contrastive": 0.7, "bitfit": 0.7}
    found = tuning_result(tuning_problem)
    assert not any(one.kept for one in found.results[1:])
    assert found.results[1].why == "no lower loss than the closed form on held-out items"
    assert found.best.method.name == "contrastive"
    np.testing.assert_array_equal(found.outputs, found.results[1].outputs)
    assert made == ["contrastive"] * 4 + ["bitfit"] * 4


def test_a_harmful_method_is_given_up_halfway_through_its_first_run(tuning_problem, runs):
    shares, made = runs
    shares |= {"contrastive": 0.95, "bitfit": 0.95, "halfway": 0.1}
    below = np.where(sure(tuning_problem.problem.targets, 0.95) > 0, 0.9, 0.1)
    found = tuning_result(tuning_problem, below=below)
    assert made == ["contrastive", "bitfit"]
    assert found.best is None
    assert found.results[1].why.startswith("given up halfway through the first run, with 20 of 80 held-out items")
    assert found.results[1].how["trained"] == 0.5


def test_a_method_that_is_as_good_halfway_goes_on(tuning_problem, runs):
    shares, made = runs
    shares |= {"contrastive": 0.95, "bitfit": 0.95, "halfway": 0.7}
    assert tuning_result(tuning_problem).best is not None
    assert made[:4] == ["contrastive"] * 4


def test_a_harmful_method_is_given_up_after_one_fold(tuning_problem, runs):
    shares, made = runs
    shares |= {"contrastive": 0.5, "bitfit": 0.95}
    found = tuning_result(tuning_problem)
    assert made == ["contrastive"] + ["bitfit"] * 4
    harmful, useful = found.results[1:]
    assert not harmful.kept
    assert len(harmful.outputs) == N // 4
    assert harmful.why.startswith("given up after 20 of 80 held-out items")
    assert useful.kept
    assert useful.below is found.results[0]


def test_few_folds_compare_methods_if_they_hold_out_enough(tuning_problem, runs, monkeypatch):
    monkeypatch.setattr(selection, "_SUFFICIENT_HELD_OUT", 40)
    shares, made = runs
    shares |= {"contrastive": 0.95, "bitfit": 0.5}
    found = tuning_result(tuning_problem)
    assert made == ["contrastive"] * 2 + ["bitfit"]
    assert len(found.index) == len(found.outputs) == len(found.results[0].outputs) == N // 2


def test_a_diverging_method_is_stopped_and_tuning_continues(tuning_problem, runs):
    shares, _ = runs
    shares |= {"contrastive": None, "bitfit": 0.95}
    diverged, useful = tuning_result(tuning_problem).results[1:]
    assert diverged.why.startswith("stopped")
    assert diverged.outputs is None
    assert useful.kept


def test_a_diverging_run_is_restarted_at_lower_rates(tuning_problem, runs):
    shares, made = runs
    shares |= {"contrastive": -0.95, "bitfit": 0.5}
    restarted = tuning_result(tuning_problem).results[1]
    assert restarted.kept
    assert made[:8] == ["contrastive"] * 8
    assert restarted.why.endswith("; 4 of its runs diverged and were restarted at a third of the rates")


def test_all_runs_of_a_soup_get_lower_rates():
    settings = TuningSettings(
        learning_rate=3e-3,
        head_learning_rate=3e-4,
        soup_members=(TuningSettings(learning_rate=6e-3, trainable_fraction=0.5),),
    )
    first, other = settings.with_lower_rates.all_settings
    assert (first.learning_rate, first.head_learning_rate) == pytest.approx((1e-3, 1e-4))
    assert (other.learning_rate, other.head_learning_rate, other.trainable_fraction) == pytest.approx(
        (2e-3, 1e-4 / 3, 0.5)
    )


def test_the_network_that_ships_names_the_rates_that_it_was_tuned_at(tuning_problem, monkeypatch, cache):
    method = replace(FineTune(), settings=TuningSettings(epochs=1, min_steps=4, batch_size=8, trainable_fraction=0.5))

    class Wild(cross_fitting.Run):
        def weights(self, choice):
            if self.settings == method.settings:
                raise Diverged
            return super().weights(choice)

    scores = np.stack([[sure(tuning_problem.problem.targets, 0.9)] * len(ALPHAS)] * N_POINTS)
    settings, train = method.settings, EVERYTHING[::2]
    first = cross_fitting.Run(tuning_problem=tuning_problem, method=method, settings=settings, train=train)
    cross_fitted = cross_fitting.CrossFit(
        method=method, index=EVERYTHING, block=EVERYTHING % 2, scores=scores, n_folds=2, first=first
    )
    monkeypatch.setattr(cross_fitting, "Run", Wild)
    source, _ = cross_fitting.refit_on_all(tuning_problem, cross_fitted, EVERYTHING, dataset="tiny")
    assert source.made["settings"] == asdict(method.settings.with_lower_rates)


def test_parts_of_one_cluster_each_can_be_judged(tuning_problem, runs):
    shares, made = runs
    shares |= {"contrastive": 0.95, "bitfit": 0.5}
    clusters = np.concatenate([np.full(len(part), number) for number, (_, part) in enumerate(FOLDS)])
    found = tuning_result(replace(tuning_problem, fold_groups=clusters))
    assert found.results[1].kept
    assert made[:4] == ["contrastive"] * 4


def test_what_does_not_fit_into_the_budget_is_not_tried(tuning_problem, runs):
    found = tuning_result(tuning_problem, seconds=1000.0, budget=10.0)
    assert not runs[1]
    assert all("10 s of the budget are left" in one.why for one in found.results[1:])
    assert found.best is None


def test_a_first_method_that_is_slower_than_planned_is_judged_on_the_folds_it_had_time_for(tuning_problem, runs, clock):
    shares, made = runs
    shares |= {"contrastive": 0.95, "bitfit": 0.96}
    clock.run_s = 30.0  # planned were 0
    found = tuning_result(tuning_problem, budget=100.0)
    assert made == ["contrastive"] * 2 + ["bitfit"]  # a third would leave no time for the run on all items
    first, late = found.results[1:]
    assert first.why.startswith("stopped after 40 of 80 held-out items, as it takes longer than planned; lower loss")
    assert late.why.startswith("stopped after 20 of 40 held-out items")
    assert first.kept
    assert not late.kept
    assert found.n_folds == 2
    assert len(found.index) == len(found.outputs) == len(found.results[0].outputs) == N // 2


def test_a_first_run_that_has_no_time_for_its_second_half_ends_halfway(tuning_problem, runs, clock):
    shares, _ = runs
    shares |= {"contrastive": 0.95, "bitfit": 0.5, "halfway": 0.9}
    clock.half_s = 60.0
    found = tuning_result(tuning_problem, budget=100.0)
    assert found.best.is_half_trained
    assert found.best.how(tuning_problem.problem)["trained"] == 0.5
    assert found.results[1].kept
    assert found.n_folds == 1


def test_a_method_that_was_given_up_is_described_by_the_items_it_was_scored_on(tuning_problem, runs):
    shares, _ = runs
    shares |= {"contrastive": 0.5, "bitfit": 0.95}
    found = tuning_result(tuning_problem)
    dataset = Dataset(
        name="tiny",
        items=tuning_problem.items,
        targets=tuning_problem.problem.targets,
        task="binary",
        labels=("a", "b"),
        modality="text",
        ids=[str(i) for i in EVERYTHING],
    )

    class Experiment:
        seed = 0
        groups = EVERYTHING

    Experiment.dataset = dataset
    tuned = Tuned(results=found.results, index=found.index)
    metric = tuning_problem.problem.task_spec.headline(tuning_problem.problem.targets)
    (section,) = tuned.sections(Experiment, metric, "bitfit")
    assert [one["kept"] for one in section.results] == [True, False, True]
    closed, harmful, useful = section.results
    assert [one["metric"]["n"] for one in (closed, harmful, useful)] == [N, N // 4, N]
    assert harmful["gain"]["high"] < 0.3
    assert useful["gain"]["value"] == pytest.approx(0.25)


@pytest.mark.parametrize(("n_items", "size"), [(16, 8), (128, 10), (256, 19), (10_000, 32)])
def test_few_items_make_small_batches_rather_than_many_epochs(n_items, size):
    method = registry.get("tuning_methods", "fine-tune")()
    assert (method.settings.epochs, method.settings.min_steps, method.settings.batch_size) == (3, 40, 32)
    assert method.batch_size(n_items, method.settings) == size


@pytest.mark.parametrize(("n_items", "n_steps"), [(16, 40), (320, 52), (2000, 186), (3718, 190), (100_000, 190)])
def test_a_run_ends_however_many_items_are_left(n_items, n_steps):
    method = registry.get("tuning_methods", "fine-tune")()
    n_batches = round(n_items / method.batch_size(n_items, method.settings))
    assert method.settings.n_steps(n_batches) == n_steps
