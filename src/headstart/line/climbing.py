"""Climb the rungs above the closed-form head, and measure the highest that is kept where the proof wants it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from headstart.core import registry
from headstart.core.intervals import gain
from headstart.engines.clock import Clock
from headstart.engines.memory import keeping_freed_memory
from headstart.features import embed
from headstart.proof.tuned import Tuned
from headstart.sources import Source

if TYPE_CHECKING:
    from headstart.adaptation.head import MixedHead
    from headstart.core.dataset import FloatArray, IntArray
    from headstart.proof import Arena
    from headstart.tuning import Climbed, Ground
    from headstart.tuning.rung import Fold
    from headstart.tuning.strategy import Strategy

_SHARE = 0.6  # of what is left of a budget: the proof needs the rest


def tunings() -> tuple[str, ...]:
    """Names of the strategies that tune a network."""
    return registry.names("strategies")


def climb_above(arena: Arena, *, strategy: str, clock: Clock) -> Tuned:
    """Try the strategy of that name, or with 'auto' all that suit and pay, above the closed-form head.

    Of several sources that are blended, the first is tuned, and its network alone has to beat the blend.

    Raises
    ------
    OptionError
        The strategy does not suit the source or the task.
    MissingExtraError
        torch is not installed.
    """
    from headstart.tuning import climb
    from headstart.tuning.ladder import suitable
    from headstart.tuning.plan import plan, told
    from headstart.tuning.running_loss import Diverged

    ground, folds, below = prepared(arena)
    n_items, n_outputs = ground.problem.targets.shape
    name = None if strategy == "auto" else strategy
    chosen: list[Strategy] = suitable(ground.source, arena.dataset.task, n_items, n_outputs, name=name)
    share = None if clock.left_s is None else max(clock.left_s * _SHARE, 1e-3)
    # where the folds are also those that prove, a search would look at items that prove
    searches = strategy == "auto" and arena.plan.kind != "cross-validation"
    inside = Clock(share)
    with keeping_freed_memory():
        planned = plan(ground, chosen, folds)
        if arena.progress is not None and planned:
            print(told(planned, inside.left_s), file=arena.progress, flush=True)
        climbed = climb(ground, planned, folds, below=below, clock=inside, searches=searches)
        tried = tried_of(climbed, arena, ground)
        if climbed.best is None:
            return tried
        try:
            measured = _measured(arena, ground, climbed, folds, tried)
        except Diverged:
            return _without(tried, "stopped: on all items its loss grew beyond all bounds")
    worse = _worse(arena, measured, below)
    return measured if worse is None else _without(tried, worse)


def prepared(arena: Arena) -> tuple[Ground, list[Fold], FloatArray]:
    """What `climb` takes: the ground, the folds, and what the closed form says of the held-out items, fold after fold."""
    apart = _apart(arena)
    folds = _folds(arena, apart)
    below = np.concatenate([_closed_form(arena, learnt, held_out) for learnt, held_out in folds])
    alone = arena if len(arena.backbone.parts) == 1 else arena.only({next(iter(arena.backbone.parts))})
    assert isinstance(alone.backbone, Source)
    return _ground(alone, alone.backbone, apart), folds, below


def tried_of(climbed: Climbed, arena: Arena, ground: Ground) -> Tuned:
    """The rungs, before the highest that was kept is tuned on everything."""
    return Tuned(rungs=climbed.rungs, index=arena.plan.final[climbed.index], apart=ground.apart[climbed.index])


def _without(tried: Tuned, why: str) -> Tuned:
    """The rungs, those that were kept above the closed form no longer so, and why."""
    rungs = [replace(rung, kept=False, why=why) if rung.kept and rung.below else rung for rung in tried.rungs]
    return replace(tried, rungs=tuple(rungs))


def _worse(arena: Arena, measured: Tuned, below: FloatArray) -> str | None:
    """Why what was kept is not taken after all: it is significantly worse on the items that prove; None where it is not.

    A closed form that wins so by chance, once in forty times, was no worse; so its own score stays honest.
    """
    plan, dataset = arena.plan, arena.dataset
    if plan.kind != "cross-validation":
        below = arena.adapt(plan.learnt).head.outputs(arena.features[plan.held_out])
    assert measured.outputs is not None
    targets, groups = dataset.targets[plan.held_out], arena.groups[plan.held_out]
    metric = dataset.task_spec.headline(dataset.targets[plan.final])
    found = gain(metric, targets, measured.outputs, below, groups, seed=arena.seed)
    if not found.high < 0:  # so written, a gain without a value is none
        return None
    return (
        f"on the {len(targets)} items that prove it was significantly worse than the closed form "
        f"({found.value:+.3f} in {metric.name})"
    )


def _measured(arena: Arena, ground: Ground, climbed: Climbed, folds: list[Fold], tried: Tuned) -> Tuned:
    """Tune on all that may be learnt from, and ask networks that did not see them about the items that prove."""
    from headstart.tuning.ladder import enough
    from headstart.tuning.rung import elsewhere, finished

    assert climbed.best is not None
    plan, name = arena.plan, arena.dataset.name
    source, head = finished(ground, climbed.best, np.arange(len(plan.final)), dataset=name)
    if plan.kind == "cross-validation":
        outputs = climbed.outputs
        if others := folds[len(enough(folds)) :]:
            outputs = np.concatenate([outputs, elsewhere(ground, climbed.best, others)])
    elif plan.kind == "given":
        outputs = _outputs(arena, source, head, plan.held_out)
    else:
        learnt = np.searchsorted(plan.final, plan.learnt)
        outputs = _outputs(arena, *finished(ground, climbed.best, learnt, dataset=name), plan.held_out)
    features = embed(ground.items, source, progress=arena.progress).values
    return replace(
        tried,
        source=source,
        head=head,
        features=features,
        outputs=outputs,
        held_out=climbed.outputs,
    )


def _outputs(arena: Arena, source: Source, head: MixedHead, index: IntArray) -> FloatArray:
    features = embed([arena.dataset.items[i] for i in index], source, progress=arena.progress, cache=False)
    return head.outputs(features.values)


def _closed_form(arena: Arena, learnt: IntArray, held_out: IntArray) -> FloatArray:
    """What the closed-form head says of items that it was fitted without, in positions among the final items."""
    final = arena.plan.final
    return arena.adapt(final[learnt]).head.outputs(arena.features[final[held_out]])


def _ground(arena: Arena, source: Source, apart: IntArray) -> Ground:
    from headstart.tuning import Ground

    final = arena.plan.final
    return Ground(
        source=source,
        items=[arena.dataset.items[i] for i in final],
        problem=arena.problem(final),
        apart=apart,
        head=arena.strategy,
        journal=arena.journal,
        progress=arena.progress,
    )


def _folds(arena: Arena, apart: IntArray) -> list[Fold]:
    """On which parts rungs are compared, in positions among the final items: the proof's own folds, or parts of what it learns from."""
    from headstart.tuning.ladder import inner_folds

    plan = arena.plan
    if plan.kind == "cross-validation":
        return [(np.searchsorted(plan.final, learnt), np.searchsorted(plan.final, held)) for learnt, held in plan.folds]
    learnt = np.searchsorted(plan.final, plan.learnt)
    inner = inner_folds(apart[learnt], arena.dataset.targets[plan.final[learnt]], arena.seed)
    return [(learnt[a], learnt[b]) for a, b in inner]


def _apart(arena: Arena) -> IntArray:
    """What is held out together where rungs are compared, shape (len(plan.final),): clusters of like items.

    A proof in folds holds out groups, and its folds serve here too, so there it is groups.
    """
    final = arena.plan.final
    return arena.groups[final] if arena.plan.kind == "cross-validation" else arena.problem(final).conditions()
