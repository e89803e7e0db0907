"""What a baseline is: a model that owes nothing to pretraining, and that the transferred model must beat."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Protocol

import numpy as np

from headstart.core import registry
from headstart.core.errors import unknown_name
from headstart.core.model import Network, Predictor
from headstart.core.tasks.link import Link, apply_link
from headstart.sources.preprocessors import modality_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from headstart.core.dataset import Dataset, FloatArray, IntArray
    from headstart.core.model import PretrainedNetwork
    from headstart.engines.context import RunContext
    from headstart.onnx_graph.builder import GraphBuilder

Cost = Literal["none", "simple", "full"]
COSTS: tuple[Cost, ...] = ("none", "simple", "full")


class Baseline(Protocol):
    """A way to make a model from the labels alone: frozen settings and one verb.

    A baseline that declares a field `source` is given the pretrained network of the model that it competes with. One of which
    `joins_fields` is true reads all fields of its modality; others are left out where items have several of it.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    preprocessor: ClassVar[str | None]
    """The kind of the preprocessor that it puts in front, which says what it reads; None if it reads all that there is."""
    cost: ClassVar[Cost]
    single_threaded: ClassVar[bool]
    """Its long work keeps to one thread and touches no thread setting of others, so that it may run beside them."""

    def fit(self, dataset: Dataset, index: IntArray, *, context: RunContext) -> Predictor:
        """Fit on the items at `index` and on nothing else; the same (data, `context.seed`) gives the same predictor."""
        ...


class ScoringNetwork(Network, Protocol):
    """A network that can also be computed outside its graph."""

    def scores(self, items: Sequence[Any]) -> FloatArray:
        """What the graph of `encode` gives for items, shape (n, k)."""
        ...


@dataclass(frozen=True, kw_only=True)
class FittedBaseline:
    """A baseline after its fit: a `core.model.Predictor`; `note` is a sentence for the report."""

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


def baselines_for(
    modality: str | Sequence[str], source: PretrainedNetwork | None, cost: Cost = "full"
) -> tuple[Baseline, ...]:
    """Make every known baseline that suits, cheapest first.

    Parameters
    ----------
    modality : the name of what the items are; of rows the name for each field
    source : the pretrained network of the model; baselines that need one are left out where it is None
    cost : 'none', 'simple' (seconds) or 'full' (all)

    Raises
    ------
    OptionError
        No such cost.
    """
    if cost not in COSTS:
        raise unknown_name("choice of baselines", cost, COSTS)
    kinds = [registry.get("baselines", name) for name in registry.names("baselines")]
    modalities = (modality,) if isinstance(modality, str) else modality
    kinds = [kind for kind in kinds if _reads_any(kind, modalities) and COSTS.index(kind.cost) <= COSTS.index(cost)]
    made = [_make(kind, source) for kind in sorted(kinds, key=lambda kind: (COSTS.index(kind.cost), kind.name))]
    return tuple(baseline for baseline in made if baseline is not None)


def reads(kind: type[Baseline], modality: str) -> bool:
    """Whether a kind of baseline can read items of a modality."""
    return kind.preprocessor is None or modality_of(kind.preprocessor) == modality


def _reads_any(kind: type[Baseline], modalities: Sequence[str]) -> bool:
    n_read = sum(reads(kind, modality) for modality in modalities)
    return n_read == 1 or (n_read > 1 and (kind.preprocessor is None or getattr(kind, "joins_fields", False)))


def _make(kind: Any, source: PretrainedNetwork | None) -> Baseline | None:
    if not any(field.name == "source" for field in fields(kind)):
        baseline: Baseline = kind()
        return baseline
    return None if source is None else kind(source=source)
