"""What the report says of sources of the user's own."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from headstart.evaluation.ablation_section import AblationSection
from headstart.evaluation.continued_model import ContinuedModel
from headstart.evaluation.continued_trees import ContinuedTrees
from headstart.evaluation.evaluation_section import EvaluationSection
from headstart.evaluation.learning_curve import nested_subsets
from headstart.evaluation.own_source import OffsetModel, target_only
from headstart.evaluation.own_source_section import OwnSourceSection, TakenSource
from headstart.evaluation.pooled_model import PooledModel
from headstart.evaluation.pooled_trees import PooledTrees
from headstart.evaluation.source_worth import source_worth

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from headstart.core.metrics import Metric
    from headstart.core.report import Report
    from headstart.evaluation.experiment import Experiment
    from headstart.evaluation.models import Model
    from headstart.evaluation.source_worth import SourceWorth
    from headstart.heads.offset import Kind
    from headstart.pipeline.own_sources import OwnSourceModels

_SAID: dict[Kind, str] = {
    "as it is": "left as it is",
    "recalibrated": "recalibrated",
    "residual": "corrected by your own rows",
    "no transfer": "not used",
}
_LEAST_SAID = 0.005  # a share that is said as 0 %
_LEAST_S = 10.0  # that must be left of the budget
_N_SIZES = 4
_MAX_ROWS = 3000  # of the learning curve: fits of more take too long for a sentence


def describe_own_sources(experiment: Experiment, own: OwnSourceModels, report: Report) -> OwnSourceSection:
    """The section: columns, how much was taken, and the rows of the target that it was worth."""
    metric = experiment.dataset.headline(experiment.dataset.targets[experiment.plan.final])
    n_given = round(float(np.mean([len(train) for train, _ in experiment.plan.folds])))
    found = report[EvaluationSection]
    points = with_baselines(
        target_only_curve(experiment, own, metric),
        [one.score.value for one in found.baselines],
        n_given=n_given,
        higher_is_better=metric.higher_is_better,
    )
    worth = source_worth(points, found.metric.value, n_given=n_given, higher_is_better=metric.higher_is_better)
    models = report.get(AblationSection)
    weights = {one.name: one.weight for one in models.models} if models else {}
    taken = []
    for matched, parts in own.by_source:
        matches = matched.matches
        taken.append(
            TakenSource(
                name=matched.name,
                n_rows=matched.n_rows,
                quality=dict(matched.quality),
                columns=() if matches is None else matches.to_dicts(),
                units=() if matches is None else (*matches.proposals(), *(one.sentence for one in matches.meanings)),
                taken=" ".join(sentence for one in parts for sentence in _taken(one, experiment)),
                weight=round(sum(weights.get(one.name, 0.0) for one in parts), 3),
            )
        )
    said = " ".join([worth.sentence, *_how_sure(worth, found)])
    return OwnSourceSection(sources=tuple(taken), worth=said, curve=tuple(points))


def _how_sure(worth: SourceWorth, found: EvaluationSection) -> Iterator[str]:
    """On what the rows are read off; and that they may be chance, where the gain may be."""
    if worth.bound == "unknown":
        return
    yield f"This is by {found.metric.name} on {found.metric.n:,} held-out rows."
    if worth.is_positive and found.gain is not None and found.gain.low <= 0:
        yield "It may be chance: the interval of the gain over the best baseline holds zero."


def target_only_curve(experiment: Experiment, own: OwnSourceModels, metric: Metric) -> list[dict[str, Any]]:
    """Scores of a linear model of the target alone on growing parts; none where the budget is spent, or rows are many."""
    if max(len(train) for train, _ in experiment.plan.folds) > _MAX_ROWS:
        return []
    model, left_s = target_only(own.models), experiment.context.clock.left_s
    if model is None or (left_s is not None and left_s < _LEAST_S):
        return []
    targets = experiment.dataset.targets[experiment.plan.test]
    folds = [(nested_subsets(train, experiment, _N_SIZES), test) for train, test in experiment.plan.folds]
    points = []
    for parts in zip(*(subsets for subsets, _ in folds), strict=False):
        if any(not np.ptp(experiment.dataset.targets[part], axis=0).any() for part in parts):
            continue
        outputs = [model.fit(experiment, part).outputs(test) for part, (_, test) in zip(parts, folds, strict=True)]
        value = float(metric.of(targets, np.concatenate(outputs)))
        if math.isfinite(value):
            points.append({"n_items": round(float(np.mean([len(part) for part in parts]))), "value": value})
    return points


def with_baselines(
    points: Sequence[dict[str, Any]], values: Sequence[float], *, n_given: int, higher_is_better: bool
) -> list[dict[str, Any]]:
    """The curve with the best baseline at its end, where that is better; a curve of that alone where there is none.

    >>> with_baselines([], [0.6, 0.7], n_given=48, higher_is_better=True)
    [{'n_items': 48, 'value': 0.7}]
    """
    known = [value for value in values if math.isfinite(value)]
    if not known:
        return list(points)
    sign = 1.0 if higher_is_better else -1.0
    best = sign * max(sign * value for value in known)
    *before, last = points or [{"n_items": n_given, "value": best}]
    return [*before, {**last, "value": sign * max(sign * last["value"], sign * best)}]


def _taken(model: Model, experiment: Experiment) -> Sequence[str]:
    """How much counts of each kind of candidate, in words."""
    if not isinstance(model, OffsetModel | ContinuedModel | PooledModel):
        return ()
    fits: Mapping[bytes, Any] = model.taken
    fitted = fits.get(experiment.plan.final.tobytes()) or next(iter(reversed(list(fits.values()))), None)
    if fitted is None:
        return ()
    if isinstance(fitted, PooledTrees):
        return (f"Each of its rows counts {100 * fitted.mean_share:.0f} % of one of yours.",)
    if isinstance(fitted, ContinuedTrees):
        said = f"Trees of your own rows go on from it with {100 * fitted.share:.0f} %."
        return (said,) if fitted.share >= _LEAST_SAID else ()
    shares = {kind: fitted.weight_of(kind) for kind in _SAID}
    parts = [f"{_SAID[kind]} {100 * share:.0f} %" for kind, share in shares.items() if share >= _LEAST_SAID]
    return (f"Its score was {', '.join(parts)}.",)
