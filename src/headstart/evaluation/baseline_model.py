"""BaselineModel: a baseline as one of the models that are mixed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from headstart.evaluation.mixed import of_scores
from headstart.evaluation.models import FittedModel

if TYPE_CHECKING:
    from headstart.core.dataset import IntArray
    from headstart.core.model import Predictor
    from headstart.evaluation.baseline import Baseline
    from headstart.evaluation.experiment import Experiment, HeldOutPredictions
    from headstart.evaluation.models import Family


@dataclass(frozen=True)
class BaselineModel:
    """A baseline that may be part of the model."""

    predictions: HeldOutPredictions
    baseline: Baseline

    @property
    def name(self) -> str:
        """The baseline's."""
        return self.predictions.name

    @property
    def family(self) -> Family:
        """Plain."""
        return "plain"

    @property
    def blocks(self) -> frozenset[str]:
        """Its own name: it owes nothing to the blocks of others."""
        return frozenset({self.predictions.name})

    def fit(self, experiment: Experiment, index: IntArray) -> FittedModel:
        """Fit the baseline."""
        fitted: Any = fitted_baseline(self.baseline, self.predictions, experiment, index)
        return FittedModel(
            outputs=lambda asked: fitted.predict(experiment.dataset.items_at(asked)),
            predictor=lambda: of_scores(
                self.name, fitted.network, fitted.head.intercept, experiment.dataset.task_spec.link
            ),
        )


def fitted_baseline(
    baseline: Baseline, predictions: HeldOutPredictions, experiment: Experiment, index: IntArray
) -> Predictor:
    """The baseline fitted on the items at `index`; with a given test part that is the fit that predicted the held-out items.

    Where one fit alone predicted them, a baseline that can `refit` is told of it.
    """
    plan = experiment.plan
    if plan.kind == "given" and np.array_equal(index, plan.train):
        return predictions.fitted
    refit = getattr(baseline, "refit", None)
    if refit is not None and len(plan.folds) == 1 and np.isin(plan.train, index).all():
        fitted: Predictor = refit(experiment.dataset, index, predictions.fitted, context=experiment.context)
        return fitted
    return baseline.fit(experiment.dataset, index, context=experiment.context)
