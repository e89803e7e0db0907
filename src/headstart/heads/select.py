"""Adapt: try the applicable heads, calibrate each on held-out groups, and keep the best or their blend."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from headstart.core import registry
from headstart.core.errors import OptionError, unknown_name
from headstart.core.paired import PairedDifference
from headstart.core.tasks import get_task
from headstart.engines.threads import limit
from headstart.heads.blend import blend_weights
from headstart.heads.calibration import Calibration, fit_calibration
from headstart.heads.head import EnsembleHead
from headstart.heads.problem import Problem

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from headstart.core.dataset import FloatArray, IntArray, Task
    from headstart.heads.problem import Fit, HeadEstimator


@dataclass(frozen=True, kw_only=True)
class FittedHead:
    """A fitted head with its calibration and its calibrated held-out outputs.

    `part` names the source whose features it reads ('' for a single source), `columns` their start and end (None for all).
    """

    name: str
    part: str
    columns: tuple[int, int] | None
    fit: Fit
    calibration: Calibration
    outputs: FloatArray


@dataclass(frozen=True, kw_only=True)
class Adapted:
    """The chosen head, and how it was chosen.

    Attributes
    ----------
    head : from features (d) to outputs (k)
    head_name : 'ridge', 'logistic' …, or 'blend of ridge and logistic'
    held_out : shape (n, k), outputs for each item by fits without its group
    head_candidates : all heads tried, best first: name, loss (nats or squared units, on held-out groups), weight
    """

    head: EnsembleHead
    head_name: str
    held_out: FloatArray
    head_candidates: tuple[dict[str, Any], ...]
    chosen: tuple[FittedHead, ...]
    task: Task

    @property
    def parts(self) -> set[str]:
        """Names of the sources whose features the head reads; empty if it reads all, or for a single source."""
        if any(one.columns is None for one in self.chosen):
            return set()
        return {one.part for one in self.chosen if one.part}

    @property
    def leader(self) -> HeadEstimator:
        """Estimator of the head with the largest weight, limited to its chosen hyperparameters; for a learning curve, say."""
        return self.chosen[self._leading].fit.with_chosen_hyperparameters()

    @property
    def leading_head(self) -> EnsembleHead:
        """The head with the largest weight alone."""
        i = self._leading
        return replace(self.head, heads=(self.head.heads[i],), weights=(1.0,), names=(self.head.names[i],))

    @property
    def _leading(self) -> int:
        return int(np.argmax(self.head.weights))

    def outputs_without(self, groups: IntArray) -> FloatArray:
        """Outputs for each item by fits without its group, for another grouping; shape (n, k).

        Penalties, weights and calibration stay as chosen, so that only the grouping differs.
        """
        with limit(1):
            parts = [t.calibration.outputs(t.fit.held_out(groups), get_task(self.task)) for t in self.chosen]
        return np.tensordot(np.array(self.head.weights), np.stack(parts), axes=1)


def head_names() -> tuple[str, ...]:
    """All values of `head`."""
    return ("auto", *registry.names("heads"))


def adapt(
    features: FloatArray,
    targets: FloatArray,
    *,
    task: Task,
    groups: IntArray,
    head: str | HeadEstimator = "auto",
    seed: int = 0,
    parts: Mapping[str, slice] | None = None,
    are_fields: bool = False,
) -> Adapted:
    """Fit a head on frozen features; all choices are made on held-out groups.

    Parameters
    ----------
    features : shape (n, d)
    targets : shape (n, k), indicators or values
    groups : shape (n,); items of one group are held out together
    head : 'auto' tries every head that supports the task and is worth trying, and their blend; an estimator or a name
        takes that one alone
    parts : columns of the features of several sources, by name: every head is tried on each, and their blend
    are_fields : whether the parts are of different fields of the items: every head is tried on all of them side by side
        too, and one that leaves a part out is taken only if it is better by more than one standard error

    Raises
    ------
    OptionError
        There is no head of that name, or it does not support the task.
    """
    problem = Problem(features=features, targets=targets, task=task, groups=groups, seed=seed)
    with limit(1):  # heads run in our own threads; BLAS threads on top of them would only wait
        return _adapt(problem, head, parts, are_fields=are_fields)


def _adapt(
    problem: Problem, head: str | HeadEstimator, parts: Mapping[str, slice] | None, *, are_fields: bool
) -> Adapted:
    tried = sorted(
        (
            _fit(estimator, on_part, part, columns)
            for part, columns, on_part in _parts(problem, parts, are_fields=are_fields)
            for estimator in estimators_for(on_part, head)
        ),
        key=lambda one: one.calibration.loss,
    )
    chosen, weights, outputs = _choose(tried, problem)
    if are_fields and _leaves_out(chosen, parts):
        whole = _choose([one for one in tried if one.columns is None], problem)
        if not _is_better(outputs, whole[2], problem):
            chosen, weights, outputs = whole
    records = tuple(
        {
            "name": t.name,
            "loss": t.calibration.loss,
            "weight": dict(zip(_names(chosen), weights, strict=True)).get(t.name, 0.0),
        }
        for t in tried
    )
    ensemble = EnsembleHead(
        heads=tuple(
            replace(t.fit.head.calibrated(t.calibration.slope, t.calibration.intercept), columns=t.columns)
            for t in chosen
        ),
        weights=weights,
        names=_names(chosen),
        link=problem.task_spec.link,
    )
    return Adapted(
        head=ensemble,
        head_name=chosen[0].name if len(chosen) == 1 else "blend of " + " and ".join(_names(chosen)),
        held_out=outputs,
        head_candidates=records,
        chosen=chosen,
        task=problem.task,
    )


def estimators_for(problem: Problem, head: str | HeadEstimator) -> list[HeadEstimator]:
    """The estimator that is given or named, or with 'auto' all that support the task and are worth trying.

    Raises
    ------
    OptionError
        There is no head of that name, or it does not support the task.
    """
    if not isinstance(head, str):
        return [head]
    if head not in head_names():
        raise unknown_name("head", head, head_names())
    if head != "auto":
        named: HeadEstimator = registry.get("heads", head)()
        if not named.supports(problem.task_spec):
            raise OptionError(f"head '{head}' does not support {problem.task} tasks. Use 'auto' or 'ridge'.")
        return [named]
    estimators: list[HeadEstimator] = [registry.get("heads", name)() for name in registry.names("heads")]
    return [c for c in estimators if c.supports(problem.task_spec) and c.is_worth_trying(problem)]


def _parts(
    problem: Problem, parts: Mapping[str, slice] | None, *, are_fields: bool
) -> Iterator[tuple[str, tuple[int, int] | None, Problem]]:
    """Name, columns, and the problem restricted to those columns."""
    if parts is None or len(parts) < 2:
        yield "", None, problem
        return
    if are_fields:
        yield "", None, problem
    for name, columns in parts.items():
        yield name, (columns.start, columns.stop), replace(problem, features=problem.features[:, columns])


def _fit(estimator: HeadEstimator, problem: Problem, part: str, columns: tuple[int, int] | None) -> FittedHead:
    fit = estimator.fit(problem)
    scores = fit.held_out(problem.groups)
    calibration = fit_calibration(scores, problem.targets, problem.task_spec)
    return FittedHead(
        name=f"{estimator.name} on {part}" if part else estimator.name,
        part=part,
        columns=columns,
        fit=fit,
        calibration=calibration,
        outputs=calibration.outputs(scores, problem.task_spec),
    )


def _choose(tried: list[FittedHead], problem: Problem) -> tuple[tuple[FittedHead, ...], tuple[float, ...], FloatArray]:
    """The best head alone, or a blend if its held-out loss is lower by more than one standard error."""
    best = tried[0]
    weights = blend_weights([t.outputs for t in tried], problem.targets, problem.task_spec)
    blended = np.tensordot(weights, np.stack([t.outputs for t in tried]), axes=1)
    if not _is_better(blended, best.outputs, problem):
        return (best,), (1.0,), best.outputs
    kept = np.flatnonzero(weights)
    return tuple(tried[i] for i in kept), tuple(float(weights[i]) for i in kept), blended


def _is_better(outputs: FloatArray, others: FloatArray, problem: Problem) -> bool:
    """Whether held-out outputs are better than others by more than one standard error."""
    losses = (problem.task_spec.losses(one, problem.targets) for one in (others, outputs))
    return PairedDifference.of(next(losses) - next(losses), problem.groups).exceeds_one_standard_error


def _leaves_out(chosen: tuple[FittedHead, ...], parts: Mapping[str, slice] | None) -> bool:
    """Whether a part is read by none of the chosen heads."""
    read = {one.part for one in chosen if one.columns is not None}
    return all(one.columns is not None for one in chosen) and not set(parts or ()) <= read


def _names(tried: tuple[FittedHead, ...]) -> tuple[str, ...]:
    return tuple(t.name for t in tried)
