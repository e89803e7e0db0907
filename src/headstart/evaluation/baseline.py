"""Baseline: a model without pretraining that the transferred model must beat."""

from __future__ import annotations

from dataclasses import dataclass, fields
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Protocol

import numpy as np

from headstart.core import registry
from headstart.core.errors import unknown_name
from headstart.core.tasks.link import Link, apply_link
from headstart.sources.preprocessors import modality_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from headstart.core.dataset import Dataset, FloatArray, IntArray
    from headstart.core.model import Predictor, PretrainedNetwork, ScoringNetwork
    from headstart.engines.context import RunContext
    from headstart.onnx_graph.builder import GraphBuilder

Cost = Literal["none", "simple", "full", "all"]
COSTS: tuple[Cost, ...] = ("none", "simple", "full", "all")
_PREDICTED_TOGETHER = 16_384


class Baseline(Protocol):
    """A way to fit a model without pretraining: frozen settings with one method.

    A baseline with a field `source` gets the pretrained network of the model that it is compared with. One with
    `joins_fields` reads all fields of its modality; others are left out if items have several of it. One that reads rows whole names the
    `modalities` of the fields that it reads. One that needs a `library` of its own is left out where that is not installed. One with
    `preferred` libraries, whose models are much the same, is left out too where one of these is, unless 'all' are wanted. One with a method
    `refit(dataset, index, before, context=...)` may keep what its fit `before`, on a part of the items at `index`, chose. One that
    `is_for_values` is left out where no values are predicted.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    preprocessor: ClassVar[str | None]
    """The kind of its preprocessor, which defines what it reads; None if it reads every modality."""
    cost: ClassVar[Cost]
    is_control: ClassVar[bool]
    """Whether it shows only what chance or the network's structure gives; a control never ships."""
    single_threaded: ClassVar[bool]
    """Whether its slow work uses one thread and changes no global thread settings, so that it can run beside other work."""

    def fit(self, dataset: Dataset, index: IntArray, *, context: RunContext) -> Predictor:
        """Fit on the items at `index` only; the same data and `context.seed` give the same predictor."""
        ...


@dataclass(frozen=True, kw_only=True)
class FittedBaseline:
    """A fitted baseline, a `core.model.Predictor`; `note` is a sentence for the report."""

    name: str
    network: ScoringNetwork
    head: InterceptHead
    note: str = ""

    def predict(self, items: Sequence[Any]) -> FloatArray:
        """Outputs for items, shape (n, k); of many some at a time, as what is made of them would need many times their memory."""
        firsts = range(0, max(1, len(items)), _PREDICTED_TOGETHER)
        parts = [self.network.scores(items[first : first + _PREDICTED_TOGETHER]) for first in firsts]
        return self.head.outputs(parts[0] if len(parts) == 1 else np.concatenate(parts))


@dataclass(frozen=True, kw_only=True)
class InterceptHead:
    """The head of a network that was trained as a whole: it adds an intercept to the scores and applies the link.

    `intercept` has shape (k,), in the units of the scores.
    """

    intercept: FloatArray
    link: Link

    def outputs(self, features: FloatArray) -> FloatArray:
        """Turn scores (n, k) into outputs (n, k)."""
        return apply_link(np.asarray(features, np.float64) + self.intercept, self.link)

    def extend(self, graph: GraphBuilder, features: str) -> str:
        """Add the nodes of the outputs after the value `features`."""
        scores = graph.op("Add", features, graph.constant(self.intercept.astype(np.float32)))
        if self.link == "identity":
            return scores
        return graph.op("Softmax", scores, axis=1) if self.link == "softmax" else graph.op("Sigmoid", scores)

    def arrays(self) -> dict[str, FloatArray]:
        """The intercept."""
        return {"intercept": self.intercept}

    def settings(self) -> dict[str, Any]:
        """How to read the intercept."""
        return {"kind": "offset", "link": self.link}


def baselines_for(
    modality: str | Sequence[str], source: PretrainedNetwork | None, cost: Cost = "full", *, of_values: bool = True
) -> tuple[Baseline, ...]:
    """Make all baselines that can read a modality, cheapest first.

    Parameters
    ----------
    modality : name of the items' modality; of rows the name for each field
    source : the pretrained network of the model; if None, or of no features, baselines that need one are left out
    cost : 'none', 'simple' (seconds), 'full' (of the libraries of boosting the first that is installed), or 'all'
    of_values : whether values are predicted; if not, baselines that help there alone are left out

    Raises
    ------
    OptionError
        Unknown cost.
    """
    if cost not in COSTS:
        raise unknown_name("choice of baselines", cost, COSTS)
    kinds = [registry.get("baselines", name) for name in registry.names("baselines")]
    modalities = (modality,) if isinstance(modality, str) else modality
    kinds = [kind for kind in kinds if _reads_any(kind, modalities) and COSTS.index(kind.cost) <= COSTS.index(cost)]
    kinds = [kind for kind in kinds if is_installed(kind) and (cost == "all" or not _is_stood_in_for(kind))]
    kinds = [kind for kind in kinds if of_values or not getattr(kind, "is_for_values", False)]
    made = [_make(kind, source) for kind in sorted(kinds, key=lambda kind: (COSTS.index(kind.cost), kind.name))]
    return tuple(baseline for baseline in made if baseline is not None)


def sampled(index: IntArray, max_items: int, seed: int) -> tuple[IntArray, str]:
    """At most so many of the positions, drawn at random and in order, and what a note says of that; all of them and nothing if there are no more."""
    kept = np.asarray(index)
    if len(kept) <= max_items:
        return kept, ""
    drawn = np.random.default_rng(seed).choice(kept, max_items, replace=False)
    return np.sort(drawn), f", sampled from {len(kept):,}"


def reads(kind: type[Baseline], modality: str) -> bool:
    """Whether a class of baselines can read items of a modality."""
    if reads_rows(kind):
        return modality in kind.modalities  # type: ignore[attr-defined]
    return kind.preprocessor is None or modality_of(kind.preprocessor) == modality


def reads_rows(kind: type[Baseline]) -> bool:
    """Whether a class of baselines reads rows whole."""
    return hasattr(kind, "modalities")


def is_installed(kind: type[Baseline]) -> bool:
    """Whether the library is there that a class of baselines needs beside those of the extra `train`."""
    library: str | None = getattr(kind, "library", None)
    return library is None or find_spec(library) is not None


def _is_stood_in_for(kind: type[Baseline]) -> bool:
    return any(find_spec(library) is not None for library in getattr(kind, "preferred", ()))


def _reads_any(kind: type[Baseline], modalities: Sequence[str]) -> bool:
    n_read = sum(reads(kind, modality) for modality in modalities)
    return n_read == 1 or (n_read > 1 and (kind.preprocessor is None or getattr(kind, "joins_fields", False)))


def _make(kind: Any, source: PretrainedNetwork | None) -> Baseline | None:
    if not any(field.name == "source" for field in fields(kind)):
        baseline: Baseline = kind()
        return baseline
    return None if source is None or not source.dimensions else kind(source=source)
