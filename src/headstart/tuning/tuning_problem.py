"""Ground: what the methods stand on: the items, their frozen features, and the source whose network is tuned."""

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

_LEAST = -7.0  # logarithm of the smallest factor: a thousandth


@dataclass(frozen=True, kw_only=True)
class TuningProblem:
    """All items, whoever may learn from them.

    Attributes
    ----------
    items : n items
    problem : their features by the untuned `source`, targets and groups
    fold_groups : shape (n,); items of one number are held out together where methods are compared, and count as one: groups, or
        whole clusters of like items, since a network can learn a cluster by heart and be no better where it has not been
    head : name of the method of the closed-form head
    context : how runs go, and how long all of them may take
    """

    source: Source
    items: Sequence[Any]
    problem: Problem
    fold_groups: IntArray
    head: str
    context: RunContext
    _loader: dict[tuple[int, str], FrozenFeatureLoader] = field(default_factory=dict, repr=False)

    def adapt(self, index: IntArray) -> Adapted:
        """Fit the closed-form head on the items at `index`."""
        return adapt(**vars(self.problem.take(index)), head=self.head)

    def initial_head(self, index: IntArray) -> LinearHead:
        """The leading closed-form head of the items at `index`, as sure of them as it is of items that it has not seen.

        A head that was fitted to few items in closed form is right about all of them and sure of it: their loss is next to
        nothing and teaches the network nothing, so that it drifts. Its scores are made smaller by one factor, so that these
        items' loss is what it is on held-out ones; that changes no answer (docs/log.md, Tuning).
        """
        from scipy.optimize import brentq

        adapted, seen, task = self.adapt(index), self.problem.take(index), self.problem.task_spec
        head = adapted.leading_head.heads[0]
        if not task.has_probabilities:
            return head
        scores = head.scores(seen.features)
        unseen = float(task.losses(adapted.held_out, seen.targets).mean())

        def excess(log_factor: float) -> float:
            outputs = task.outputs(np.exp(log_factor) * scores)
            return float(task.losses(outputs, seen.targets).mean()) - unseen

        if excess(0.0) >= 0 or excess(_LEAST) <= 0:
            return head
        return head.calibrated(float(np.exp(brentq(excess, _LEAST, 0.0))), np.zeros(len(head.intercept)))

    def refit(self, features: FloatArray, index: IntArray) -> LinearHead:
        """Fit a closed-form head on tuned features (m, d) of the items at `index`: there, ridge is as good as any (docs/log.md)."""
        problem = replace(self.problem.take(index), features=features)
        return adapt(**vars(problem), head="ridge").head.heads[0]

    def loader(self, model: TrainableModel, settings: TuningSettings) -> FrozenFeatureLoader:
        """All items as the model's blocks meet them; runs whose frozen blocks are the same share what those gave."""
        from headstart.tuning.frozen_feature_loader import FrozenFeatureLoader

        key = model.first, settings.augmentation
        if key not in self._loader:
            self._loader.clear()  # one set of hidden values in memory is enough
            used = np.arange(len(self.items))
            self._loader[key] = FrozenFeatureLoader(
                model, self.items, used, settings.augmentation, context=self.context
            )
        return self._loader[key]
