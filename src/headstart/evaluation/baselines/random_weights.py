"""RandomWeights: the same network and head search with random weights; measures what pretraining is worth."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from headstart.features import embed
from headstart.heads import adapt

if TYPE_CHECKING:
    from collections.abc import Sequence

    from headstart.core.dataset import Dataset, FloatArray, IntArray
    from headstart.core.model import Head
    from headstart.engines.context import RunContext
    from headstart.evaluation.baseline import Cost
    from headstart.sources import AnySource

_N_TIMED = 8


@dataclass(frozen=True, kw_only=True)
class RandomWeights:
    """A head on the features of the untrained network.

    Attributes
    ----------
    source : the pretrained network, whose weights are replaced by random ones
    head : how the head is fitted, as for the model itself
    draw : seed of the random weights; not the seed of the fit, so that all folds and fits share cached features
    """

    name: ClassVar[str] = "random-weights"
    title: ClassVar[str] = "the same network with random weights"
    preprocessor: ClassVar[str | None] = None
    cost: ClassVar[Cost] = "full"
    is_control: ClassVar[bool] = True
    single_threaded: ClassVar[bool] = False
    source: AnySource
    head: str = "auto"
    draw: int = 0

    def expected_s(self, dataset: Dataset) -> float:
        """About how long it takes: a forward pass for each item, measured on a few."""
        started, n_tried = time.perf_counter(), min(_N_TIMED, len(dataset))
        network = self.source.with_random_weights(self.draw)
        embed(list(dataset.items[:n_tried]), network, cache=False)
        return (time.perf_counter() - started) * len(dataset) / n_tried

    def fit(
        self,
        dataset: Dataset,
        index: IntArray,
        *,
        context: RunContext,
    ) -> RandomNetwork:
        """Embed the items at `index` with random weights and fit a head."""
        part = dataset.take(index)
        network = self.source.with_random_weights(self.draw)
        features = embed(part.items, network, context=context)
        groups = np.arange(len(part)) if part.groups is None else part.groups
        adapted = adapt(
            np.asarray(features.values),
            part.targets,
            task=part.task,
            groups=groups,
            head=self.head,
            seed=context.seed,
            parts=network.parts,
            are_fields=len(part.fields) > 1,
        )
        return RandomNetwork(
            name=self.name, network=network, head=adapted.head, note=f"{network.name}, {adapted.head_name}"
        )


@dataclass(frozen=True, kw_only=True)
class RandomNetwork:
    """Random network and fitted head: a `core.model.Predictor`."""

    name: str
    network: AnySource
    head: Head
    note: str = ""

    def predict(self, items: Sequence[Any]) -> FloatArray:
        """Outputs for items, shape (n, k)."""
        features = embed(items, self.network)
        return self.head.outputs(np.asarray(features.values))
