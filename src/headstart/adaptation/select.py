"""Adapt: try the candidates that suit, calibrate each on held-out groups, keep the best or their blend."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from headstart.adaptation.blend import blend_weights
from headstart.adaptation.calibration import Calibration, fit_calibration
from headstart.adaptation.head import MixedHead
from headstart.adaptation.problem import Problem
from headstart.core import registry
from headstart.core.errors import OptionError, unknown_name
from headstart.core.paired import PairedDifference
from headstart.core.tasks import get_task
from headstart.engines.threads import limit

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from headstart.adaptation.problem import Candidate, Fit
    from headstart.core.dataset import FloatArray, IntArray, Task


@dataclass(frozen=True, kw_only=True)
class Tried:
    """A candidate after its fit: raw held-out scores, their calibration, the calibrated outputs.

    `part` names the features that it reads, `columns` the first and the one after the last of them (None: all).
    """

    name: str
    part: str
    columns: tuple[int, int] | None
    fit: Fit
    calibration: Calibration
    outputs: FloatArray


@dataclass(frozen=True, kw_only=True)
class Adapted:
    """The chosen head and how it was chosen.

    Attributes
    ----------
    head : on features (d) to outputs (k)
    strategy : 'ridge', 'logistic' …, or 'blend of ridge and logistic'
    held_out : shape (n, k), outputs for each item by fits without its group
    candidates : what was tried, best first: name, loss (nats or squared units, of held-out groups), weight
    """

    head: MixedHead
    strategy: str
    held_out: FloatArray
    candidates: tuple[dict[str, Any], ...]
    chosen: tuple[Tried, ...]
    task: Task

    @property
    def parts(self) -> set[str]:
        """Names of the sources whose features the head reads; empty where there is only one."""
        return {tried.part for tried in self.chosen if tried.part}

    @property
    def leader(self) -> Candidate:
        """The chosen candidate that weighs most, narrowed to what it chose: for a learning curve, say."""
        return self.chosen[self._leading].fit.narrowed()

    @property
    def leading_head(self) -> MixedHead:
        """The head of the leader alone."""
        i = self._leading
        return replace(self.head, heads=(self.head.heads[i],), weights=(1.0,), names=(self.head.names[i],))

    @property
    def _leading(self) -> int:
        return int(np.argmax(self.head.weights))

    def outputs_without(self, groups: IntArray) -> FloatArray:
        """Outputs for each item by fits without its group under another grouping, penalties and weights as chosen.

        The calibration is the one that was chosen, so that only the grouping differs. Shape (n, k).
        """
        parts = [t.calibration.outputs(t.fit.held_out(groups), get_task(self.task)) for t in self.chosen]
        return np.tensordot(np.array(self.head.weights), np.stack(parts), axes=1)


def strategies() -> tuple[str, ...]:
    """All that `strategy` may be."""
    return ("auto", *registry.names("candidates"))


def adapt(
    features: FloatArray,
    targets: FloatArray,
    *,
    task: Task,
    groups: IntArray,
    strategy: str | Candidate = "auto",
    seed: int = 0,
    parts: Mapping[str, slice] | None = None,
) -> Adapted:
    """Fit a head on frozen features; everything is chosen by held-out groups.

    Parameters
    ----------
    features : shape (n, d)
    targets : shape (n, k), indicators or values
    groups : shape (n,); items of one group are held out together
    strategy : 'auto' tries every candidate that suits and pays, and their blend; a candidate or its name takes that
        one alone
    parts : columns of the features of several sources, by name: every candidate is tried on each, and their blend

    Raises
    ------
    OptionError
        No strategy has that name, or it does not suit the task.
    """
    problem = Problem(features=features, targets=targets, task=task, groups=groups, seed=seed)
    with limit(1):  # threads of our own work on whole candidates' parts; BLAS threads beside them would only wait
        tried = sorted(
            (
                _try(candidate, seen, part, columns)
                for part, columns, seen in _parts(problem, parts)
                for candidate in _candidates(seen, strategy)
            ),
            key=lambda t: t.calibration.loss,
        )
    chosen, weights, outputs = _choose(tried, problem)
    records = tuple(
        {
            "name": t.name,
            "loss": t.calibration.loss,
            "weight": dict(zip(_names(chosen), weights, strict=True)).get(t.name, 0.0),
        }
        for t in tried
    )
    head = MixedHead(
        heads=tuple(
            replace(t.fit.head.calibrated(t.calibration.slope, t.calibration.offset), columns=t.columns) for t in chosen
        ),
        weights=weights,
        names=_names(chosen),
        link=problem.task_spec.link,
    )
    return Adapted(
        head=head,
        strategy=chosen[0].name if len(chosen) == 1 else "blend of " + " and ".join(_names(chosen)),
        held_out=outputs,
        candidates=records,
        chosen=chosen,
        task=task,
    )


def _candidates(problem: Problem, strategy: str | Candidate) -> list[Candidate]:
    if not isinstance(strategy, str):
        return [strategy]
    if strategy not in strategies():
        raise unknown_name("strategy", strategy, strategies())
    if strategy != "auto":
        named: Candidate = registry.get("candidates", strategy)()
        if not named.suits(problem.task_spec):
            raise OptionError(f"strategy '{strategy}' does not suit a {problem.task} task. Use 'auto' or 'ridge'.")
        return [named]
    candidates: list[Candidate] = [registry.get("candidates", name)() for name in registry.names("candidates")]
    return [c for c in candidates if c.suits(problem.task_spec) and c.pays(problem)]


def _parts(
    problem: Problem, parts: Mapping[str, slice] | None
) -> Iterator[tuple[str, tuple[int, int] | None, Problem]]:
    """Name, columns, and the problem with the features of these columns alone."""
    if parts is None or len(parts) < 2:
        yield "", None, problem
        return
    for name, columns in parts.items():
        yield name, (columns.start, columns.stop), replace(problem, features=problem.features[:, columns])


def _try(candidate: Candidate, problem: Problem, part: str, columns: tuple[int, int] | None) -> Tried:
    fit = candidate.fit(problem)
    scores = fit.held_out(problem.groups)
    calibration = fit_calibration(scores, problem.targets, problem.task_spec)
    return Tried(
        name=f"{candidate.name} on {part}" if part else candidate.name,
        part=part,
        columns=columns,
        fit=fit,
        calibration=calibration,
        outputs=calibration.outputs(scores, problem.task_spec),
    )


def _choose(tried: list[Tried], problem: Problem) -> tuple[tuple[Tried, ...], tuple[float, ...], FloatArray]:
    """The best candidate alone, or a blend where its held-out loss is lower by more than one standard error."""
    best = tried[0]
    weights = blend_weights([t.outputs for t in tried], problem.targets, problem.task_spec)
    blended = np.tensordot(weights, np.stack([t.outputs for t in tried]), axes=1)
    loss_of_blend = problem.task_spec.losses(blended, problem.targets)
    loss_of_best = problem.task_spec.losses(best.outputs, problem.targets)
    if not PairedDifference.of(loss_of_best - loss_of_blend, problem.groups).exceeds_one_standard_error:
        return (best,), (1.0,), best.outputs
    kept = np.flatnonzero(weights)
    return tuple(tried[i] for i in kept), tuple(float(weights[i]) for i in kept), blended


def _names(tried: tuple[Tried, ...]) -> tuple[str, ...]:
    return tuple(t.name for t in tried)
