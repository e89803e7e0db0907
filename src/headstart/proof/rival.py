"""What a rival is: a model that owes nothing to pretraining, and that the transferred model must beat."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Protocol, TextIO

import numpy as np

from headstart.core import registry
from headstart.core.errors import unknown_name
from headstart.core.model import Network, Predictor
from headstart.core.tasks.link import Link, apply_link
from headstart.sources.inputs import modality_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from headstart.core.dataset import Dataset, FloatArray, IntArray
    from headstart.core.model import Backbone
    from headstart.engines.journal import Journal
    from headstart.sources.graph import GraphBuilder

Cost = Literal["none", "simple", "full"]
COSTS: tuple[Cost, ...] = ("none", "simple", "full")


class Rival(Protocol):
    """A way to make a model from the labels alone: frozen settings and one verb.

    A rival that declares a field `backbone` is given the pretrained network of the model that it competes with.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    preprocessor: ClassVar[str | None]
    """The kind of the preprocessor that it puts in front, which says what it reads; None if it reads all that there is."""
    cost: ClassVar[Cost]
    single_threaded: ClassVar[bool]
    """Its long work keeps to one thread and touches no thread setting of others, so that it may run beside them."""

    def fit(
        self, dataset: Dataset, index: IntArray, *, seed: int, journal: Journal, progress: TextIO | None = None
    ) -> Predictor:
        """Fit on the items at `index` and on nothing else; the same (data, seed) gives the same predictor.

        `progress` is where to write how far a long fit is.
        """
        ...


class ScoringNetwork(Network, Protocol):
    """A network that can also be computed outside its graph."""

    def scores(self, items: Sequence[Any]) -> FloatArray:
        """What the graph of `encode` gives for items, shape (n, k)."""
        ...


@dataclass(frozen=True, kw_only=True)
class FittedRival:
    """A rival after its fit: a `core.model.Predictor`; `note` is a sentence for the report."""

    name: str
    network: ScoringNetwork
    head: OffsetHead
    note: str = ""

    def predict(self, items: Sequence[Any]) -> FloatArray:
        """Outputs for items, shape (n, k)."""
        return self.head.outputs(self.network.scores(items))


@dataclass(frozen=True, kw_only=True)
class OffsetHead:
    """The last step of a network that was trained whole: add an offset to its scores and apply the link.

    `offset` has shape (k,), in the units of the scores.
    """

    offset: FloatArray
    link: Link

    def outputs(self, features: FloatArray) -> FloatArray:
        """Scores (n, k) become outputs (n, k)."""
        return apply_link(np.asarray(features, np.float64) + self.offset, self.link)

    def extend(self, graph: GraphBuilder, features: str) -> str:
        """Add the nodes of the outputs after the value `features`."""
        scores = graph.op("Add", features, graph.constant(self.offset.astype(np.float32)))
        if self.link == "identity":
            return scores
        return graph.op("Softmax", scores, axis=1) if self.link == "softmax" else graph.op("Sigmoid", scores)

    def arrays(self) -> dict[str, FloatArray]:
        """The offset."""
        return {"offset": self.offset}

    def settings(self) -> dict[str, Any]:
        """What the offset means."""
        return {"kind": "offset", "link": self.link}


def rivals_for(modality: str, backbone: Backbone | None, cost: Cost = "full") -> tuple[Rival, ...]:
    """Make every known rival that suits, cheapest first.

    Parameters
    ----------
    modality : the name of what the items are
    backbone : the pretrained network of the model; rivals that need one are left out where it is None
    cost : 'none', 'simple' (seconds) or 'full' (all)

    Raises
    ------
    OptionError
        No such cost.
    """
    if cost not in COSTS:
        raise unknown_name("choice of rivals", cost, COSTS)
    kinds = [registry.get("rivals", name) for name in registry.names("rivals")]
    kinds = [kind for kind in kinds if reads(kind, modality) and COSTS.index(kind.cost) <= COSTS.index(cost)]
    made = [_make(kind, backbone) for kind in sorted(kinds, key=lambda kind: (COSTS.index(kind.cost), kind.name))]
    return tuple(rival for rival in made if rival is not None)


def reads(kind: type[Rival], modality: str) -> bool:
    """Whether a kind of rival can read items of a modality."""
    return kind.preprocessor is None or modality_of(kind.preprocessor) == modality


def _make(kind: Any, backbone: Backbone | None) -> Rival | None:
    if not any(field.name == "backbone" for field in fields(kind)):
        rival: Rival = kind()
        return rival
    return None if backbone is None else kind(backbone=backbone)
