"""What every challenger promises: `headstart.updating.challenger.Challenger`."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from headstart.data import load
from headstart.engines.cancelling import Stopped
from headstart.engines.context import RunContext
from headstart.packaging import load_bundle
from headstart.pipeline import fit
from headstart.testing.checks import expect, expect_equal
from headstart.updating.challenger import Occasion

if TYPE_CHECKING:
    from typing import Any

    from headstart.packaging import Bundle
    from headstart.testing.checks import Subject
    from headstart.updating.challenger import Challenger

_N = 120


def cases(subject: Subject) -> dict[str, ChallengerChecks]:
    """One case, on a small table."""
    return {"table": ChallengerChecks(subject.name, subject.part())}


@dataclass(frozen=True)
class ChallengerChecks:
    """A challenger, a champion and records in which the first column turned around."""

    name: str
    challenger: Challenger

    def check_has_its_registered_name(self) -> None:
        """It has the name under which it is registered."""
        expect_equal(self.challenger.name, self.name, "its name")

    def check_makes_a_sealed_bundle_of_the_same_task_and_labels(self) -> None:
        """It writes a bundle that opens, with the champion's task, fields and labels."""
        champion, made = _champion(), self._made()
        expect_equal((made.task, made.labels), (champion.task, champion.labels), "its task and labels")
        expect_equal([one.name for one in made.fields], [one.name for one in champion.fields], "its fields")

    def check_answers_are_probabilities(self) -> None:
        """Its outputs for records are finite, and probabilities of sum 1."""
        outputs = self._made().outputs([{"a": 0.5, "b": "x"}, {"a": None, "b": "never seen"}]).values
        expect(np.isfinite(outputs).all(), f"Expected finite outputs, got {outputs}.")
        expect(np.allclose(outputs.sum(axis=1), 1, atol=1e-5), f"Expected rows of sum 1, got {outputs.sum(axis=1)}.")

    def check_stops_when_the_time_is_over(self) -> None:
        """Where no time is left it raises `Stopped`, as `RunContext.stage` and `map` do, and leaves no bundle."""
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name) / "made"
            is_stopped = False
            try:
                self.challenger.make(_occasion(RunContext().stopping_after(0.0)), folder)
            except Stopped:
                is_stopped = True
            expect(is_stopped, "Expected Stopped where no time is left; it went on.")
            expect(not folder.exists(), "Expected no bundle where no time is left.")

    def _made(self) -> Bundle:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name) / "made"
            self.challenger.make(_occasion(RunContext()), folder)
            return load_bundle(folder, trust=(), trust_graphs=True)


def _occasion(context: RunContext) -> Occasion:
    return Occasion(champion=_champion(), recent=load(_table(2), target="label"), context=context)


@cache
def _champion() -> Bundle:
    fitted = fit(
        _table(1), target="label", source="none", preset="fast", tune="none", baselines="simple", progress=None
    )
    return fitted.model


def _table(seed: int) -> dict[str, list[Any]]:
    rng = np.random.default_rng(seed)
    a, b = rng.normal(size=_N), rng.choice(["x", "y"], _N)
    is_yes = a + (b == "x") + rng.normal(0, 0.5, _N) > 0.5
    return {"a": a.tolist(), "b": b.tolist(), "label": np.where(is_yes, "yes", "no").tolist()}
