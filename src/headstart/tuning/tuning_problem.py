"""TuningProblem: the items, their frozen features, and the source whose network is tuned."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from headstart.heads import adapt

if TYPE_CHECKING:
    from collections.abc import Sequence

    from headstart.core.dataset import FloatArray, IntArray
    from headstart.engines.context import RunContext
    from headstart.heads import Adapted
    from headstart.heads.head import LinearHead
    from headstart.heads.problem import Problem
    from headstart.sources import Source
    from headstart.tuning.frozen_feature_loader import FrozenFeatureLoader
    from headstart.tuning.settings import TuningSettings
    from headstart.tuning.trainable_model import TrainableModel

_MIN_LOG_FACTOR = -7.0  # a factor of a thousandth


@dataclass(frozen=True, kw_only=True)
class TuningProblem:
    """All items that may be trained on, and how to hold some of them out.

    Attributes
    ----------
    items : n items
    problem : their features from the untuned `source`, their targets and groups
    fold_groups : shape (n,); items of one fold group are held out together when methods are compared, and count as one: groups, or
        whole clusters of similar items, since a network can memorize a cluster without being better elsewhere
    head : name of the closed-form head, as in `adapt`
    context : how runs are executed, and how long all of them may take
    """

    source: Source
    items: Sequence[Any]
    problem: Problem
    fold_groups: IntArray
    head: str
    context: RunContext
    _loader: dict[tuple[int, str, float, int], FrozenFeatureLoader] = field(default_factory=dict, repr=False)

    def adapt(self, index: IntArray) -> Adapted:
        """Fit the closed-form head on the items at `index`."""
        return adapt(**vars(self.problem.take(index)), head=self.head)

    def initial_head(self, index: IntArray) -> LinearHead:
        """The best closed-form head of the items at `index`, as confident on them as it is on items that it has not seen.

        A head fitted in closed form to few items is right about all of them with high confidence: their loss is near 0 and the
        network gets no gradient, so that it drifts. All scores are scaled down by one factor, so that the loss on these items
        equals the held-out loss. That changes no decision (docs/log.md, Tuning).
        """
        from scipy.optimize import brentq

        adapted, train, task = self.adapt(index), self.problem.take(index), self.problem.task_spec
        head = adapted.leading_head.heads[0]
        if not task.has_probabilities:
            return head
        scores = head.scores(train.features)
        held_out_loss = float(task.losses(adapted.held_out, train.targets).mean())

        def excess(log_factor: float) -> float:
            outputs = task.outputs(np.exp(log_factor) * scores)
            return float(task.losses(outputs, train.targets).mean()) - held_out_loss

        if excess(0.0) >= 0 or excess(_MIN_LOG_FACTOR) <= 0:
            return head
        return head.calibrated(float(np.exp(brentq(excess, _MIN_LOG_FACTOR, 0.0))), np.zeros(len(head.intercept)))

    def refit(self, features: FloatArray, index: IntArray) -> LinearHead:
        """Fit a ridge head on tuned features (m, d) of the items at `index`; other heads were no better there (docs/log.md)."""
        problem = replace(self.problem.take(index), features=features)
        return adapt(**vars(problem), head="ridge").head.heads[0]

    def loader(self, model: TrainableModel, settings: TuningSettings) -> FrozenFeatureLoader:
        """All items as the model's trained blocks read them; runs with the same frozen blocks share their outputs."""
        from headstart.tuning.frozen_feature_loader import FrozenFeatureLoader

        key = model.first, settings.augmentation, settings.resolution, settings.max_tokens
        if key not in self._loader:
            self._loader.clear()  # one set of hidden values in memory is enough
            used = np.arange(len(self.items))
            self._loader[key] = FrozenFeatureLoader(
                model,
                self.items,
                used,
                settings.augmentation,
                resolution=settings.resolution,
                max_tokens=settings.max_tokens,
                context=self.context,
            )
        return self._loader[key]
