"""Mixed: several models as one predictor, a weighted mean of their outputs over networks side by side."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from itertools import accumulate
from typing import TYPE_CHECKING, Any

import numpy as np

from headstart.data.rows import column_of
from headstart.features import embed
from headstart.heads.head import LinearHead
from headstart.heads.summed_head import MixedHead
from headstart.sources.field_source import FieldSource
from headstart.sources.joint import JointSource
from headstart.sources.preprocessors.joint import JointPreprocessor, prefix_of
from headstart.sources.source import Source
from headstart.sources.tuned import TunedSource

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from headstart.core.dataset import FloatArray
    from headstart.core.model import Network, Preprocessor, ScoringNetwork
    from headstart.core.tasks.link import Link


@dataclass(frozen=True, kw_only=True)
class ScoredNetwork:
    """A network whose values are scores.

    Attributes
    ----------
    field : that it reads; None if it reads items as they are
    """

    network: ScoringNetwork
    n_outputs: int
    field: str | None = None

    def values(self, items: Sequence[Any]) -> FloatArray:
        """Shape (n, n_outputs)."""
        return self.network.scores(items if self.field is None else column_of(items, self.field))


@dataclass(frozen=True, kw_only=True)
class MixedNetwork:
    """Pretrained networks and networks of plain features side by side, a `core.model.Network`.

    Attributes
    ----------
    sources : pretrained ones, each reading a field or the whole item; they come first, a tuned one before the others
    scorers : whose values are scores
    """

    sources: tuple[Source | FieldSource, ...]
    scorers: tuple[ScoredNetwork, ...]

    @property
    def widths(self) -> tuple[int, ...]:
        """How many columns each has."""
        return (*(one.dimensions for one in self.sources), *(one.n_outputs for one in self.scorers))

    @cached_property
    def pretrained(self) -> Source | JointSource | None:
        """The pretrained networks as one source; None if there are none."""
        if not self.sources:
            return None
        alone = self.sources[0]
        return alone if len(self.sources) == 1 and isinstance(alone, Source) else JointSource(self.sources)

    @property
    def dimensions(self) -> int:
        """How many columns are features of pretrained networks."""
        return sum(one.dimensions for one in self.sources)

    @cached_property
    def input(self) -> Preprocessor:
        """All preprocessing, one after the other."""
        parts = [_input_of(source) for source in self.sources]
        parts += [(one.network.input, one.field) for one in self.scorers]
        if self._is_alone:
            return parts[0][0]
        return JointPreprocessor(inputs=tuple(one for one, _ in parts), fields=tuple(field for _, field in parts))

    @property
    def _is_alone(self) -> bool:
        """Whether it is one network that reads items as they are, whose inputs keep their names."""
        fields = [*(_input_of(one)[1] for one in self.sources), *(one.field for one in self.scorers)]
        return fields == [None]

    def encode(self, graph: Any) -> str:
        """Add every network, its inputs named apart, and join the values."""
        return self.encode_apart(graph)[1]

    def encode_apart(self, graph: Any) -> tuple[str | None, str]:
        """Add every network; the values of the pretrained ones, None if there are none, and of all."""
        networks: list[Network] = [*self.sources, *(one.network for one in self.scorers)]
        if self._is_alone:
            value = networks[0].encode(graph)
            return (value if self.sources else None), value
        values = []
        for i, network in enumerate(networks):
            with graph.inputs_named(prefix_of(i)):
                values.append(network.encode(graph))
        features = _joined(graph, values[: len(self.sources)])
        scores = values[len(self.sources) :]
        joined = _joined(graph, scores if features is None else [features, *scores])
        assert joined is not None
        return features, joined

    def values(self, items: Sequence[Any]) -> FloatArray:
        """The values of the graph of `encode`, shape (n, width)."""
        pretrained = self.pretrained
        features = [] if pretrained is None else [np.asarray(embed(items, pretrained).values, np.float64)]
        return np.concatenate([*features, *(one.values(items) for one in self.scorers)], axis=1)


@dataclass(frozen=True, kw_only=True)
class Mixed:
    """A `core.model.Predictor` of one or more networks and a head on their values."""

    name: str
    network: MixedNetwork
    head: MixedHead

    def predict(self, items: Sequence[Any]) -> FloatArray:
        """Outputs for items, shape (n, k)."""
        return self.head.outputs(self.network.values(items))


def mix(name: str, models: Sequence[Mixed], weights: Sequence[float]) -> Mixed:
    """The weighted mean of the outputs of several models; a network that several read is there once.

    Parameters
    ----------
    weights : > 0, of sum 1
    """
    read = [source for model in models for source in model.network.sources]
    read.sort(
        key=lambda source: not isinstance(source, TunedSource)
    )  # a tuned network is the one that a bundle records
    sources = {_key(source): source for source in read}
    scorers = {id(one.network): one for model in models for one in model.network.scorers}
    network = MixedNetwork(sources=tuple(sources.values()), scorers=tuple(scorers.values()))
    starts = dict(zip([*sources, *scorers], accumulate((0, *network.widths)), strict=False))
    heads = [
        (head, weight * share, own)
        for model, weight in zip(models, weights, strict=True)
        for head, share, own in zip(
            [_relocated(head, model.network, starts) for head in model.head.heads],
            model.head.weights,
            model.head.names,
            strict=True,
        )
    ]
    head = MixedHead(
        heads=tuple(head for head, _, _ in heads),
        weights=tuple(weight for _, weight, _ in heads),
        names=tuple(own for _, _, own in heads),
        link=models[0].head.link,
    )
    return Mixed(name=name, network=network, head=head)


def of_scores(name: str, network: ScoringNetwork, intercept: FloatArray, link: Link) -> Mixed:
    """A model whose network gives scores already, such as a fitted baseline."""
    k = len(intercept)
    scored = ScoredNetwork(network=network, n_outputs=k)
    head = MixedHead(heads=(linear_head(np.eye(k), intercept),), weights=(1.0,), names=(name,), link=link)
    return Mixed(name=name, network=MixedNetwork(sources=(), scorers=(scored,)), head=head)


def linear_head(coef: FloatArray, intercept: FloatArray | None = None, *, transform: str = "identity") -> LinearHead:
    """A head that is one matrix (d, k) and an intercept (k,)."""
    d, k = coef.shape
    return LinearHead(
        transform=transform,
        centre=np.zeros(d),
        scale=np.ones(d),
        coef=coef,
        intercept=np.zeros(k) if intercept is None else np.asarray(intercept, np.float64),
    )


def _relocated(head: Any, network: MixedNetwork, starts: Mapping[Any, int]) -> Any:
    """A head of one model where its columns are columns of another network."""
    keys = [*map(_key, network.sources), *(id(one.network) for one in network.scorers)]
    ends = list(accumulate(network.widths))
    if not isinstance(head, LinearHead):
        return replace(head, parts=tuple(_relocated(part, network, starts) for part in head.parts))
    first, end = head.columns or (0, ends[-1])
    i = next(i for i, stop in enumerate(ends) if first < stop)
    begin = ends[i - 1] if i else 0
    moved = starts[keys[i]] - begin
    return replace(head, columns=(first + moved, end + moved))


def _joined(graph: Any, values: Sequence[str]) -> str | None:
    if len(values) < 2:
        return values[0] if values else None
    joined: str = graph.op("Concat", *values, axis=1)
    return joined


def _key(source: Source | FieldSource) -> tuple[str, str | None]:
    return source.digest, source.field if isinstance(source, FieldSource) else None


def _input_of(source: Source | FieldSource) -> tuple[Preprocessor, str | None]:
    if isinstance(source, FieldSource):
        return source.input, source.field
    return source.input, None
