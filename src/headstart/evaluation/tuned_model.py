"""TunedModel: a tuned network as one of the models that are mixed."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from headstart.evaluation.mixed import Mixed, MixedNetwork
from headstart.evaluation.models import FittedModel
from headstart.features import embed
from headstart.sources.tuned import TunedSource

if TYPE_CHECKING:
    from collections.abc import Callable

    from headstart.core.dataset import FloatArray, IntArray
    from headstart.evaluation.experiment import Experiment
    from headstart.evaluation.models import Family
    from headstart.heads.head import EnsembleHead
    from headstart.sources import Source


@dataclass(frozen=True, kw_only=True)
class Trained:
    """A tuned network with its head; `features` are those of the final items by it, shape (len(plan.final), d)."""

    source: Source
    head: EnsembleHead
    features: FloatArray


@dataclass(frozen=True, kw_only=True)
class TunedModel:
    """A network that is tuned when it is first asked for.

    Attributes
    ----------
    method : how it is tuned
    parent : the source that it is tuned from
    train : tunes it on the items at some positions
    index : the items that it is trained on: all that may be, or if there is no time for that those at `fold`
    fold : the items of a network that is there already, which was trained to be held out
    """

    method: str
    parent: Source
    train: Callable[[IntArray], Trained]
    index: IntArray
    fold: IntArray

    @property
    def name(self) -> str:
        """The source and the method."""
        return f"{self.parent.name}, {self.method}"

    @property
    def family(self) -> Family:
        """Tuned."""
        return "tuned"

    @property
    def blocks(self) -> frozenset[str]:
        """That of the source and those of its parents."""
        names, source = {self.parent.name}, self.parent
        while isinstance(source, TunedSource):
            source = source.parent
            names.add(source.name)
        return frozenset(names)

    @cached_property
    def trained(self) -> Trained:
        """The network."""
        return self.train(self.index)

    def fit(self, experiment: Experiment, index: IntArray) -> FittedModel:  # noqa: ARG002  (tuned on the final items)
        """Take the network as it is."""
        source, head = self.trained.source, self.trained.head
        return FittedModel(
            outputs=lambda asked: head.outputs(
                embed([experiment.dataset.items[i] for i in asked], source, context=experiment.context).values
            ),
            predictor=lambda: Mixed(name=self.name, network=MixedNetwork(sources=(source,), scorers=()), head=head),
        )
