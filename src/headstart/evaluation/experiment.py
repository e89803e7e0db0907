"""Contest: the model and its baselines predict the same held-out items, each fitted without them."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

import numpy as np

from headstart.heads import adapt
from headstart.heads.problem import Problem
from headstart.heads.transferred import Transferred
from headstart.sources import JointSource

if TYPE_CHECKING:
    from headstart.core.dataset import Dataset, FloatArray, IntArray
    from headstart.core.model import Predictor
    from headstart.data.holdout import SplitPlan
    from headstart.engines.context import RunContext
    from headstart.evaluation.baseline import Baseline
    from headstart.heads import Adapted
    from headstart.heads.problem import HeadEstimator
    from headstart.sources import AnySource


@dataclass(frozen=True, kw_only=True)
class Experiment:
    """What every model under evaluation is given.

    Attributes
    ----------
    dataset : its `groups` are those of near-duplicates, joined with the user's
    features : shape (n, d), of the dataset's items by `source`
    plan : who learns from what, and is proven on what
    context : how it is run; its seed draws folds and weights
    """

    dataset: Dataset
    features: FloatArray
    source: AnySource
    plan: SplitPlan
    head: str
    context: RunContext

    @property
    def seed(self) -> int:
        """The seed of everything that is drawn."""
        return self.context.seed

    @property
    def groups(self) -> IntArray:
        """The group of each item, shape (n,)."""
        assert self.dataset.groups is not None
        return self.dataset.groups

    def problem(self, index: IntArray) -> Problem:
        """What there is to learn from the items at `index`."""
        return Problem(
            features=self.features[index],
            targets=self.dataset.targets[index],
            task=self.dataset.task,
            groups=self.groups[index],
            seed=self.seed,
        )

    def only(self, sources: set[str]) -> Experiment:
        """The same with some of the sources of its joint one."""
        assert isinstance(self.source, JointSource)
        columns = np.concatenate(
            [np.arange(part.start, part.stop) for name, part in self.source.parts.items() if name in sources]
        )
        return replace(self, features=self.features[:, columns], source=self.source.only(sources))

    def adapt(self, index: IntArray, *, head: str | HeadEstimator | None = None) -> Adapted:
        """Fit a head on the items at `index`, exactly as the shipped one is fitted."""
        parts = None if self.source is None else self.source.parts
        return adapt(
            **vars(self.problem(index)), head=head or self.head, parts=parts, are_fields=len(self.dataset.fields) > 1
        )


class Evaluand(Protocol):
    """Anything that can be fitted on some items of the experiment."""

    @property
    def name(self) -> str:
        """The word for machines."""
        ...

    @property
    def title(self) -> str:
        """What a sentence calls it."""
        ...

    def fit(self, experiment: Experiment, index: IntArray) -> Predictor:
        """Fit on the items at `index` and on nothing else."""
        ...

    def outputs(self, experiment: Experiment, fitted: Predictor, index: IntArray) -> FloatArray:
        """Predict the items at `index`, shape (m, k)."""
        ...


@dataclass(frozen=True)
class Transfer:
    """The model itself: features are at hand, so that only heads are fitted.

    `final` was fitted on `experiment.plan.final` already.
    """

    name: str
    final: Adapted

    @property
    def title(self) -> str:
        """The model has no other name."""
        return self.name

    def fit(self, experiment: Experiment, index: IntArray) -> Transferred:
        """Fit a head, unless it is the final one."""
        adapted = self.final if np.array_equal(index, experiment.plan.final) else experiment.adapt(index)
        return Transferred(name=self.name, network=experiment.source, head=adapted.head)

    def outputs(self, experiment: Experiment, fitted: Predictor, index: IntArray) -> FloatArray:
        """Predict from the features."""
        return fitted.head.outputs(experiment.features[index])


@dataclass(frozen=True)
class BaselineEvaluand:
    """A baseline, fitted from the items."""

    baseline: Baseline

    @property
    def name(self) -> str:
        """The baseline's name."""
        return self.baseline.name

    @property
    def title(self) -> str:
        """The baseline's title."""
        return self.baseline.title

    def fit(self, experiment: Experiment, index: IntArray) -> Predictor:
        """Fit the baseline."""
        return self.baseline.fit(experiment.dataset, index, context=experiment.context)

    def outputs(self, experiment: Experiment, fitted: Predictor, index: IntArray) -> FloatArray:
        """Predict from the items."""
        return fitted.predict([experiment.dataset.items[i] for i in index])


@dataclass(frozen=True, kw_only=True)
class HeldOutPredictions:
    """What a model under evaluation said of the held-out items.

    Attributes
    ----------
    outputs : shape (n_held_out, k), in the order of `plan.test`
    seconds : fitting and predicting, over all folds
    fitted : the predictor of the last fold; with one fold and a given test part it is the one to ship
    """

    name: str
    title: str
    outputs: FloatArray
    seconds: float
    fitted: Predictor


def predict_held_out(evaluand: Evaluand, experiment: Experiment) -> HeldOutPredictions:
    """Fit on each fold's learning part and predict its held-out part."""
    started = time.perf_counter()
    outputs, fitted = [], None
    for train, test in experiment.plan.folds:
        fitted = evaluand.fit(experiment, train)
        outputs.append(evaluand.outputs(experiment, fitted, test))
    assert fitted is not None
    return HeldOutPredictions(
        name=evaluand.name,
        title=evaluand.title,
        outputs=np.concatenate(outputs),
        seconds=time.perf_counter() - started,
        fitted=fitted,
    )
