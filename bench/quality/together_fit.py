"""One case of `bench/quality/together.py`: a fit, and what the test part says of the model, of its rival and of the frozen source.

The fit is made with a price below any gain, so that the bundle holds the model with pretrained parts whatever the decision would be;
its best baseline is fitted on the same items beside it. So one fit serves every rule of shipping.
"""

from __future__ import annotations

import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from bench.demos import as_pair
from bench.processes import new_cache
from bench.stopwatch import Stopwatch
from headstart.core.intervals import gain, score
from headstart.data import load
from headstart.data.near_duplicates import with_near_duplicate_groups
from headstart.engines.context import RunContext
from headstart.evaluation.baseline import baselines_for
from headstart.features import embed
from headstart.heads import adapt
from headstart.sources import cards, open_source
from headstart.sources.defaults import default_source

if TYPE_CHECKING:
    from bench.quality.together_cases import Case
    from bench.results import Row
    from headstart.core.dataset import Dataset, FloatArray, IntArray
    from headstart.core.metrics import Metric
    from headstart.core.report import BaselineResult
    from headstart.pipeline.fitted import Fitted

NEVER_PLAIN = -1.0  # a worth that every expected gain exceeds


def fit_row(case: Case, folder: str, preset: str, budget_s: float | None) -> Row:
    """Everything that is reported of a case, but the columns of others."""
    import headstart

    train, test = case.parts()
    use(new_cache(Path(folder)))
    pair, watch = as_pair(train), Stopwatch()
    fitted = headstart.fit(pair, preset=preset, budget_s=budget_s, worth=NEVER_PLAIN, seed=case.draw, progress=None)
    watch.lap("fit")
    outputs = aligned(fitted.predict_proba(test.items), list(fitted.model.labels), test)
    watch.lap("predict")
    test_part = TestPart(test, test.task_spec.metric(fitted.report.evaluation.metric.name))
    frozen = Frozen.of(fitted, train.modality)
    row = {"n": len(train), "modality": train.modality, **reported(fitted), "model": test_part.score(outputs)}
    known, context = with_near_duplicate_groups(load(pair)), RunContext.default(seed=case.draw, progress=None)
    best = rival_of(fitted, known.modality)
    if best is not None:
        (baseline,) = [one for one in baselines_for(known.modality, None) if one.name == best.name]
        plain = baseline.fit(known, np.arange(len(known)), context=context).predict(test.items)
        plain = aligned(plain, list(known.labels), test)
        row |= {"rival": test_part.score(plain), "test_gain": test_part.gain(outputs, plain)}
        watch.lap("rival")
    use(new_cache(Path(folder)))
    row |= {"frozen": test_part.score(frozen.outputs(known, test, watch)), "frozen_source": frozen.source}
    return row | {"seconds": watch.seconds, "stages": fitted.seconds}


def reported(fitted: Fitted) -> Row:
    """What the report says that a rule of shipping may use, and the weights of the models."""
    section, models = fitted.report.evaluation, fitted.report.ablation.models
    conditions = section.estimates.get("new conditions")
    best = rival_of(fitted, fitted.report.data.modality)
    return {
        "metric": section.metric.name,
        "verdict": section.verdict,
        "reported": asdict(section.metric),
        "conditions": None if conditions is None else asdict(conditions),
        "gain": None if best is None else asdict(best.gain),
        "rival_name": None if best is None else best.name,
        "has_transfer": any(one.family != "plain" and one.weight > 0 for one in models),
        "deployed": section.deployed,
        "models": [{"name": one.name, "family": one.family, "weight": one.weight} for one in models],
    }


def rival_of(fitted: Fitted, modality: str) -> BaselineResult | None:
    """The best baseline that could ship, as the evaluation has it."""
    able = {one.name for one in baselines_for(modality, None) if not one.is_control}
    results = [one for one in fitted.report.evaluation.baselines if one.name in able]
    return min(results, key=lambda one: one.gain.value, default=None)


@dataclass(frozen=True)
class TestPart:
    """Scores on the test part, each with the interval that its own size allows; every item is a group."""

    test: Dataset
    metric: Metric

    def score(self, outputs: FloatArray) -> Row:
        accuracy = float((outputs.argmax(1) == self.test.codes).mean())
        return {**asdict(score(self.metric, self.test.targets, outputs, self._groups)), "accuracy": accuracy}

    def gain(self, ours: FloatArray, theirs: FloatArray) -> Row:
        return asdict(gain(self.metric, self.test.targets, ours, theirs, self._groups))

    @property
    def _groups(self) -> IntArray:
        return np.arange(len(self.test))


@dataclass(frozen=True)
class Frozen:
    """The source of the fit's best frozen model, alone: heads on its features, chosen and blended as the product does."""

    source: str

    @classmethod
    def of(cls, fitted: Fitted, modality: str) -> Frozen:
        """The one of the best held-out score; the usual source where none of the models is frozen."""
        frozen = [one for one in fitted.report.ablation.models if one.family == "frozen"]
        found = max(frozen, key=lambda one: one.score.value, default=None)
        known = sorted((card.name for card in cards()), key=len, reverse=True)
        names = [] if found is None else [name for name in known if name in found.name]
        return cls(names[0] if names else default_source(modality))

    def outputs(self, train: Dataset, test: Dataset, watch: Stopwatch) -> FloatArray:
        """For the test part, shape (n, k); the time to train holds the embedding, not the choice of the source."""
        assert train.groups is not None
        source, context = open_source(self.source), RunContext.default(progress=None)
        watch.lap("other")
        features = embed(train.items, source, context=context).values
        head = adapt(features, train.targets, task=train.task, groups=train.groups).head
        watch.lap("frozen")
        found = head.outputs(embed(test.items, source, context=context).values)
        return aligned(found, list(train.labels), test)


def aligned(outputs: FloatArray, labels: list[str], test: Dataset) -> FloatArray:
    """Outputs (n, k) with a column for every class of the test part, 0 for one that was never learned."""
    full = np.zeros(test.targets.shape)
    full[:, [test.labels.index(label) for label in labels]] = outputs
    return full


def use(cache: Path) -> None:
    """Make it the cache of this process."""
    os.environ["HEADSTART_CACHE"] = str(cache)
