"""What every way to tune a network promises: `headstart.tuning.tuning_method.TuningMethod`."""

from __future__ import annotations

from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar
from unittest import mock

import numpy as np
import torch

from headstart.sources import TunedSource
from headstart.storage.result_cache import digest
from headstart.testing.checks import empty_folder, expect, expect_close, expect_equal, expect_same_arrays, source_of
from headstart.testing.tiny_tuning_problem import TASK, tuning_problem
from headstart.tuning import checkpoint, loop
from headstart.tuning import run as running
from headstart.tuning.loop import N_POINTS
from headstart.tuning.run import Choice, Run
from headstart.tuning.settings import TuningSettings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from headstart.storage.result_cache import Arrays
    from headstart.testing.checks import Subject
    from headstart.tuning import TuningProblem
    from headstart.tuning.tuning_method import TuningMethod

_NETWORKS = ("bert", "efficientnet-lite")
_N = 32
_N_STEPS = 8
_LAST = Choice(point=N_POINTS - 1, alpha=-1)
_SHORT = {
    "learning_rate": 1e-2,
    "epochs": 1,
    "min_steps": _N_STEPS,
    "batch_size": 12,
    "min_batch_size": 12,  # batch norms learn
    "trainable_fraction": 0.5,
    "rank": 2,
}
_LONG = {
    "learning_rate": 8e-3,
    "head_learning_rate": 8e-3,
    "layer_decay": 1.0,
    "dropout": 0.0,
    "l2_sp": 0.0,
    "epochs": 40,
    "max_steps": 200,
    "batch_size": 16,
    "trainable_fraction": 1.0,
}


def cases(subject: Subject) -> dict[str, MethodChecks | LearningChecks]:
    """One case for each small network that it supports, and one on which it has to learn."""
    method: TuningMethod = subject.part()
    supported = [network for network in _NETWORKS if method.supports(source_of(network), TASK)]
    found: dict[str, Any] = {network: MethodChecks(subject.name, method, network) for network in supported}
    return found | ({"learning": LearningChecks(method)} if "bert" in supported else {})


@cache
def _problem(network: str) -> TuningProblem:
    """A problem on a source whose files stay until the process ends."""
    return tuning_problem(network, Path(source_of(network).folder), n=_N)


@dataclass(frozen=True)
class MethodChecks:
    """A short run of a method on one network."""

    name: str
    method: TuningMethod
    network: str
    setting_names: ClassVar[frozenset[str]] = frozenset(TuningSettings.__dataclass_fields__)

    def check_has_its_registered_name(self) -> None:
        """It has the name under which it is registered, and the settings that it leaves unused exist."""
        expect_equal(self.method.name, self.name, "its name")
        unknown = set(self.method.unused_settings) - self.setting_names
        expect(not unknown, f"Expected names of settings, got {sorted(unknown)} among `unused_settings`.")

    def check_alpha_of_zero_is_the_method_below(self) -> None:
        """None of the way to the tuned network is the head below it, and changes no weight."""
        with mock.patch.object(running, "ALPHAS", (0.0,)):
            run = self._run()
            scores = run.scores()
            expect((scores == scores[:1]).all(), "Expected the same scores at each point, got others.")
            expected = self._head_below().scores(self._problem.problem.features[run.test])
            size = np.abs(expected).max()
            expect_close(scores[0, 0], expected, "the scores without tuning", atol=1e-3 * size, rtol=1e-3)
            changed = _state_in(self._run().weights(_LAST))
        expect(not changed, f"Expected no changed weights, got {sorted(changed)[:3]}.")

    def check_follows_from_the_seed(self) -> None:
        """The same seed gives the same weights, to the last bit, and another seed others."""
        first, again = (self._run().weights(_LAST) for _ in range(2))
        expect_same_arrays(again, first, "the weights of the same seed")
        problem = replace(self._problem, problem=replace(self._problem.problem, seed=1), _loader={})
        other = _state_in(replace(self._run(), tuning_problem=problem).weights(_LAST))
        state = _state_in(first)
        is_same = set(other) == set(state) and all(np.array_equal(other[name], state[name]) for name in state)
        expect(not is_same, "Expected other weights of another seed, got the same.")

    def check_leaves_its_inputs_alone(self) -> None:
        """It changes weights of the network, and neither the source nor its features."""
        before = self._identity()
        expect(_state_in(self._run().weights(_LAST)), "Expected changed weights of the network, got none.")
        expect_equal(self._identity(), before, "the digests of source, weights and features afterwards")

    def check_the_graph_is_the_network(self) -> None:
        """The graph of the tuned source gives the features of the network that was trained, and not those from before."""
        run, problem = self._run(), self._problem
        made = {"method": self.method.name, "dataset": "tiny"}
        tuned = TunedSource(problem.source, _state_in(run.weights(_LAST)), made=made)
        batch = tuned.input.transform(problem.items)
        (written,) = tuned.session().run(None, batch)
        size = np.abs(written).max()
        tensors = {name: torch.from_numpy(array) for name, array in batch.items()}
        for module in (run._model.module, tuned.module()):  # noqa: SLF001  (the network as it was trained)
            with torch.no_grad():
                features = module(**tensors).numpy()
            # batch norms that learned tiny variances amplify rounding
            expect_close(features, written, "the features of the network", atol=7e-4 * size, rtol=7e-4)
        moved = np.abs(written - problem.problem.features).max()
        expect(moved > 1e-3 * size, f"Expected other features than before the tuning, got a change of {moved:.2g}.")

    def check_broken_off_and_begun_again_it_ends_the_same(self) -> None:
        """Broken off anywhere and begun again, it goes on where it was and ends with the same weights, to the last bit."""
        whole = self._run().weights(_LAST)
        breaks = {int(step) for step in np.random.default_rng().choice(np.arange(1, _N_STEPS + 1), 2, replace=False)}
        with mock.patch.object(checkpoint, "INTERVAL_S", 0.0), _breaking_at(breaks) as steps:
            for _ in range(2):
                with suppress(KeyboardInterrupt):
                    self._run().weights(_LAST)
            expect_same_arrays(self._run().weights(_LAST), whole, f"the weights after breaks at the steps {breaks}")
        expect_equal(len(steps), _N_STEPS + 2, "the number of steps that were begun")

    @property
    def _problem(self) -> TuningProblem:
        return _problem(self.network)

    def _run(self) -> Run:
        return Run(
            tuning_problem=self._problem,
            method=self.method,
            settings=replace(self.method.settings, **_SHORT),  # type: ignore[arg-type]
            train=np.arange(_N // 2),
            test=np.arange(_N // 2, _N),
        )

    def _head_below(self) -> Any:
        """A head that is fitted anew after tuning is as sure as it was; one that is trained begins less sure."""
        train = np.arange(_N // 2)
        if self.method.refits_head:
            return self._problem.adapt(train).leading_head.heads[0]
        return self._problem.initial_head(train)

    def _identity(self) -> tuple[str, str, str]:
        source = self._problem.source
        return source.digest, digest((source.state(),)), digest((self._problem.problem.features,))


@dataclass(frozen=True)
class LearningChecks:
    """A long run of a method on a network that can learn."""

    method: TuningMethod

    def check_learns_what_the_frozen_head_cannot(self) -> None:
        """It learns whether one word, or another, but not both stand in a text, which no head on frozen features can."""
        train, test = np.arange(80), np.arange(80, 160)
        with empty_folder() as folder:
            problem = tuning_problem("bert", folder, 160, drawn=True)
            settings = replace(self.method.settings, **_LONG)  # type: ignore[arg-type]
            run = Run(tuning_problem=problem, method=self.method, settings=settings, train=train, test=test)
            scores = run.scores()[_LAST]
        right = problem.problem.targets[test].argmax(axis=1)
        frozen = problem.initial_head(train).scores(problem.problem.features[test])
        tuned_share, frozen_share = ((found.argmax(axis=1) == right).mean() for found in (scores, frozen))
        message = f"Expected more than {frozen_share + 0.1:.0%} right, got {tuned_share:.0%}."
        expect(tuned_share > frozen_share + 0.1, message)


@contextmanager
def _breaking_at(breaks: set[int]) -> Iterator[list[int]]:
    """Interrupt training at the steps of some numbers, all counted; give the list of those that were begun."""
    descend = loop.descend
    steps: list[int] = []

    def broken(*settings: Any) -> Any:
        steps.append(len(steps) + 1)
        if len(steps) in breaks:
            raise KeyboardInterrupt
        return descend(*settings)

    with mock.patch.object(loop, "descend", broken):
        yield steps


def _state_in(arrays: Arrays) -> Arrays:
    return {name.removeprefix("state "): array for name, array in arrays.items() if name.startswith("state ")}
