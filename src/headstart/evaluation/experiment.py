"""Experiment: the model and its baselines predict the same held-out items, each fitted without them."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Protocol

import numpy as np

from headstart.data.clusters import Descriptions, cluster_items
from headstart.evaluation.plain_blocks import PlainBlocks
from headstart.heads import adapt
from headstart.heads.problem import Problem
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
    """The data, features and splits that every evaluated model gets.

    Attributes
    ----------
    dataset : its `groups` are near-duplicates joined with the user's groups
    features : shape (n, d), of the dataset's items by `source`
    plan : train and test items of each fold
    context : how it runs; its seed draws folds and weights
    descriptions : of the dataset's items, by which they are clustered; made if not given
    """

    dataset: Dataset
    features: FloatArray
    source: AnySource
    plan: SplitPlan
    head: str
    context: RunContext
    descriptions: Descriptions | None = None

    def __post_init__(self) -> None:
        if self.descriptions is None:
            object.__setattr__(self, "descriptions", Descriptions(self.dataset.items, self.dataset.fields))

    @cached_property
    def plain(self) -> PlainBlocks:
        """The plain blocks of the dataset."""
        return PlainBlocks(self.dataset)

    @property
    def block_names(self) -> frozenset[str]:
        """Names of all blocks, plain and pretrained."""
        return self.plain.names | frozenset(self.source.parts)

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
        """The problem of fitting a head on the items at `index`."""
        return Problem(
            features=self.features[index],
            targets=self.dataset.targets[index],
            task=self.dataset.task,
            groups=self.groups[index],
            seed=self.seed,
        )

    def conditions(self, index: IntArray) -> IntArray:
        """The cluster of similar items that each item at `index` belongs to, shape (m,), by `data.clusters`."""
        assert self.descriptions is not None
        strata = self.dataset.task_spec.strata(self.dataset.targets[index])
        return cluster_items(self.descriptions.values[index], strata, self.groups[index], seed=self.seed)

    def only(self, sources: set[str]) -> Experiment:
        """The same experiment with some of the sources of the joint source."""
        assert isinstance(self.source, JointSource)
        columns = np.concatenate(
            [np.arange(part.start, part.stop) for name, part in self.source.parts.items() if name in sources]
        )
        return replace(self, features=self.features[:, columns], source=self.source.only(sources))

    def adapt(self, index: IntArray, *, head: str | HeadEstimator | None = None) -> Adapted:
        """Fit a head on the items at `index`, exactly as the one that ships."""
        parts = None if self.source is None else self.source.parts
        return adapt(
            **vars(self.problem(index)), head=head or self.head, parts=parts, are_fields=len(self.dataset.fields) > 1
        )


class Evaluand(Protocol):
    """A model under evaluation: it can be fitted on some items of the experiment."""

    @property
    def name(self) -> str:
        """Its name for machines."""
        ...

    @property
    def title(self) -> str:
        """Its name in sentences."""
        ...

    def fit(self, experiment: Experiment, index: IntArray) -> Predictor:
        """Fit on the items at `index` only."""
        ...

    def outputs(self, experiment: Experiment, fitted: Predictor, index: IntArray) -> FloatArray:
        """Predict the items at `index`, shape (m, k)."""
        ...


@dataclass(frozen=True)
class BaselineEvaluand:
    """A baseline, fitted on the items themselves."""

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
        return fitted.predict(experiment.dataset.items_at(index))


@dataclass(frozen=True, kw_only=True)
class HeldOutPredictions:
    """The predictions of an evaluated model for the held-out items.

    Attributes
    ----------
    outputs : shape (n_test, k), in the order of `plan.test`
    seconds : for fitting and predicting, over all folds
    fitted : the predictor of the last fold; with a given test part it is the one that ships
    """

    name: str
    title: str
    outputs: FloatArray
    seconds: float
    fitted: Predictor


def predict_held_out(
    evaluand: Evaluand, experiment: Experiment, *, budget_s: float | None = None
) -> HeldOutPredictions | None:
    """Fit on the training part of each fold and predict its test part; None if after a fold the others would exceed the budget."""
    started = time.perf_counter()
    outputs, fitted, n_folds = [], None, len(experiment.plan.folds)
    for train, test in experiment.plan.folds:
        experiment.context.cancel_token.raise_if_cancelled(evaluand.name)
        fitted = evaluand.fit(experiment, train)
        outputs.append(evaluand.outputs(experiment, fitted, test))
        if budget_s is not None and (time.perf_counter() - started) * n_folds / len(outputs) > budget_s:
            return None
    assert fitted is not None
    return HeldOutPredictions(
        name=evaluand.name,
        title=evaluand.title,
        outputs=np.concatenate(outputs),
        seconds=time.perf_counter() - started,
        fitted=fitted,
    )
