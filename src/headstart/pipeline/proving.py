"""Prove again: a saved model on new labelled data, beside what it was shipped with."""

from __future__ import annotations

import math
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

from headstart.compression.compression_section import CompressionSection
from headstart.data.near_duplicates import find_near_duplicates
from headstart.data.unreadable_items import without_unreadable
from headstart.engines.context import RunContext
from headstart.evaluation import measure
from headstart.evaluation.evaluation_section import EvaluationSection
from headstart.packaging import Bundle, load_bundle
from headstart.packaging.labelled import load_for, outputs_for
from headstart.packaging.registries.address import shown

if TYPE_CHECKING:
    from pathlib import Path

    from headstart.core.arrays import FloatArray
    from headstart.core.dataset import Dataset
    from headstart.core.report import Report, Score
    from headstart.engines.reporters import ProgressOutput
    from headstart.packaging.signing import Trust


def prove_again(
    bundle: str | Path | Bundle,
    data: Any,
    *,
    max_unreadable: float = 0.01,
    seed: int = 0,
    trust: Trust | None = None,
    trust_graphs: bool | None = None,
    progress: ProgressOutput = None,
    context: RunContext | None = None,
    **columns: Any,
) -> dict[str, Any]:
    """Measure a saved model on new labelled data; `trust` and `trust_graphs` as in `load_bundle`, `context` goes before `seed` and `progress`.

    Returns the metrics with their intervals, as `metrics`, beside the headline of what was packed, as `promised`, and
    whether the two intervals meet, as `agrees` and in a `sentence`.

    Raises
    ------
    DataError
        The data has another task, or no label that the model knows; an item with an unknown label counts as wrong, with a
        notice, and means over labels (balanced accuracy, macro-F1 …) are over those of the model.
    """
    context = context or RunContext.default(seed=seed, progress=progress)
    with context.stage("load"):
        model = bundle if isinstance(bundle, Bundle) else load_bundle(bundle, trust=trust, trust_graphs=trust_graphs)
        dataset = load_for(model, data, max_unreadable=max_unreadable, **columns)
    with context.stage("predict"):
        rows = model.outputs(dataset.items, context=context)
        dataset, kept = without_unreadable(dataset, rows.errors, max_unreadable)
        outputs = outputs_for(dataset, rows.values[kept])
    with context.stage("prove"):
        scores = _scores(dataset, outputs, model, context)
    promised = _promised(model.report)
    scores = tuple(sorted(scores, key=lambda s: s.name != promised.name))
    agrees, sentence = _agreement(scores[0], promised)
    return {
        "bundle": str(bundle) if isinstance(bundle, Bundle) else shown(bundle),
        "n_items": len(dataset),
        "metrics": [asdict(score) for score in scores],
        "promised": asdict(promised),
        "agrees": agrees,
        "sentence": sentence,
        "notices": [asdict(notice) for notice in dataset.notices],
    }


def _scores(dataset: Dataset, outputs: FloatArray, model: Bundle, context: RunContext) -> tuple[Score, ...]:
    """All metrics: items with a label that the model does not know are wrong, but that label is none over which means are taken."""
    groups, k = find_near_duplicates(dataset).groups, len(model.labels)
    found = measure(dataset, outputs, groups, seed=context.seed)
    if dataset.targets.shape[1] == k or not model.task_spec.has_probabilities:
        return found
    of_model = replace(dataset, targets=dataset.targets[:, :k], labels=dataset.labels[:k], decision=model.decision)
    means = {score.name: score for score in measure(of_model, outputs[:, :k], groups, seed=context.seed)}
    over_labels = {metric.name for metric in dataset.metrics if metric.is_mean_over_labels}
    return tuple(means[score.name] if score.name in over_labels and score.name in means else score for score in found)


def _promised(report: Report) -> Score:
    """The headline that was measured of what was packed: the model, or the baseline that it could not beat.

    Of a model that was made smaller since, it is moved by the paired gain over what it was made of: the items of that gain may
    be items that the larger model had trained on.
    """
    evaluation = report[EvaluationSection]
    promised = evaluation.shipped
    compression = report.get(CompressionSection)
    if compression is None:
        return promised
    value, change = promised.value + compression.gain.value, compression.gain
    low = value - math.hypot(promised.value - promised.low, change.value - change.low)
    high = value + math.hypot(promised.high - promised.value, change.high - change.value)
    return replace(promised, value=value, low=low, high=min(high, 1.0) if promised.unit == "fraction" else high)


def _agreement(again: Score, promised: Score) -> tuple[bool, str]:
    """Whether two intervals of a headline meet, and what that says; of every headline more is better."""
    if again.high < promised.low:
        return False, (
            "Worse than was promised: the intervals do not meet. This data may differ from what the model was proven on, or its labels may "
            "be given in another way; by chance alone that is rare."
        )
    if again.low > promised.high:
        return (
            False,
            "Better than was promised: this data may be easier, or the model may have been fitted on some of it.",
        )
    return True, "As was promised: the two intervals meet."
