"""ContextNetwork: an in-context network with the labeled rows that it goes by, asked about other rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from headstart.evaluation.context_columns import fit_columns
from headstart.sources.networks.numpy.tabpfn import Memory
from headstart.sources.networks.onnx.tabpfn import extend

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from headstart.core.dataset import FloatArray, IntArray
    from headstart.core.model import Preprocessor
    from headstart.evaluation.context_columns import ContextColumns
    from headstart.onnx_graph.builder import GraphBuilder
    from headstart.sources.in_context import InContextSource
    from headstart.sources.networks.numpy.tabpfn import TabPFN

    Floats = NDArray[np.float32]

TEMPERATURE = 0.8  # TabPFN's own
_ABSENT = -30.0  # score of a class of which the context has no row


@dataclass(frozen=True, kw_only=True)
class Member:
    """One of several looks at the context.

    Attributes
    ----------
    view : of the columns, its place among those of `ContextColumns`
    rotation : how many columns are moved from the front to the end
    shift : what is added to the number of each class, modulo the number of classes
    memory : what the network keeps of the context
    intercept : added to the scores of the classes of the context, shape (n_known,)
    """

    view: int
    rotation: int
    shift: int
    memory: Memory
    intercept: FloatArray


@dataclass(frozen=True, kw_only=True)
class ContextNetwork:
    """A `core.model.ScoringNetwork`: the mean of the scores of its members.

    Attributes
    ----------
    input : reads rows as one array of `n_columns`
    classes : which of the `n_classes` the context has, shape (n_known,)
    """

    input: Preprocessor
    n_columns: int
    columns: ContextColumns
    network: TabPFN
    members: tuple[Member, ...]
    classes: IntArray
    n_classes: int

    def scores(self, items: Sequence[Any]) -> FloatArray:
        """Scores of the classes, shape (n, n_classes); their softmax is the answer."""
        return self.scores_of(self.input.transform(items)["columns"])

    def scores_of(self, rows: NDArray[Any]) -> FloatArray:
        """The same, of rows as the preprocessor reads them, shape (n, n_columns)."""
        views = self.columns.apply(rows) * self._scale
        total = np.zeros((len(rows), len(self.classes)))
        for one in self.members:
            asked = np.roll(views[one.view], -one.rotation, axis=1)
            found = self.network.scores(one.memory, asked)[:, self._order(one)]
            total += found / TEMPERATURE + one.intercept
        scores = np.full((len(rows), self.n_classes), _ABSENT)
        scores[:, self.classes] = total / len(self.members)
        return scores

    def encode(self, graph: GraphBuilder) -> str:
        """Add the network after its input `columns`, float32, (batch, n_columns)."""
        rows = graph.input("columns", "float32", ["batch", self.n_columns])
        views = self.columns.extend(graph, rows)
        seen = graph.op("Gather", views, graph.constant(np.array([one.view for one in self.members])), axis=0)
        encoders = graph.constant(np.stack([self._encoder(one) for one in self.members]))
        x = graph.op("Add", graph.op("MatMul", seen, encoders), graph.constant(self.network.encoder[1]))
        hidden = extend(graph, self.network, [one.memory for one in self.members], x)
        weights, biases = zip(*map(self._decoder, self.members), strict=True)
        scores = graph.op("MatMul", hidden, graph.constant(np.stack(weights)))
        scores = graph.op("Add", scores, graph.constant(np.stack(biases)[:, None]))
        return graph.op("ReduceMean", scores, graph.constant(np.array([0])), keepdims=0)

    @property
    def _scale(self) -> np.float32:
        """Fewer columns are enlarged, as they were when the network was trained."""
        return np.float32(len(self.network.encoder[0]) / len(self.columns.columns))

    def _order(self, member: Member) -> IntArray:
        """Which score of the network is that of each class of the context."""
        n_known = len(self.classes)
        order: IntArray = (np.arange(n_known) + member.shift) % n_known
        return order

    def _encoder(self, member: Member) -> Floats:
        d = len(self.columns.columns)
        places = (np.arange(d) - member.rotation) % d
        encoder: Floats = self.network.encoder[0][places] * self._scale
        return encoder

    def _decoder(self, member: Member) -> tuple[Floats, Floats]:
        weight, bias = self.network.decoder[1]
        order = self._order(member)
        weights = np.zeros((len(weight), self.n_classes), np.float32)
        biases = np.full(self.n_classes, _ABSENT, np.float32)
        weights[:, self.classes] = weight[:, order] / np.float32(TEMPERATURE)
        biases[self.classes] = bias[order] / TEMPERATURE + member.intercept
        return weights, biases


def read_context(
    source: InContextSource,
    reader: Preprocessor,
    rows: Floats,
    codes: IntArray,
    *,
    n_classes: int,
    n_members: int,
    seed: int,
) -> ContextNetwork:
    """Show labeled rows to a network.

    Parameters
    ----------
    rows : as `reader` gives them, shape (n, n_columns), NaN where a value is missing
    codes : class of each row, shape (n,)
    n_members : how many looks at the context are averaged: views of the columns in turn, each pair with columns and classes
        in another order; where there are more rows than the network takes, each sees some of them
    """
    classes, known = np.unique(codes, return_inverse=True)
    columns = fit_columns(rows, known, max_columns=source.max_columns)
    views = columns.apply(rows) * np.float32(source.max_columns / len(columns.columns))
    rng = np.random.default_rng(seed)
    members, rotation, shift = [], 0, 0
    for i in range(n_members):
        view = i % len(columns.views)
        if i and not view:
            rotation, shift = int(rng.integers(len(columns.columns))), int(rng.integers(len(classes)))
        chosen, intercept = _sampled(known, source.max_rows, rng)
        memory = source.network.remember(
            np.roll(views[view][chosen], -rotation, axis=1), (known[chosen] + shift) % len(classes)
        )
        member = Member(view=view, rotation=rotation, shift=shift, memory=_halved(memory), intercept=intercept)
        members.append(member)
    return ContextNetwork(
        input=reader,
        n_columns=rows.shape[1],
        columns=columns,
        network=source.network,
        members=tuple(members),
        classes=classes,
        n_classes=n_classes,
    )


def _sampled(known: IntArray, max_rows: int, rng: np.random.Generator) -> tuple[IntArray, FloatArray]:
    """Positions of at most so many rows, rare classes more often than they occur, and what makes up for that in the scores."""
    sizes = np.bincount(known)
    if len(known) <= max_rows:
        return np.arange(len(known)), np.zeros(len(sizes))
    taken = np.minimum(
        max_rows // (2 * len(sizes)), sizes
    )  # half of the rows are shared out evenly, the rest by frequency
    left = sizes - taken
    more = (max_rows - taken.sum()) * left / left.sum()
    taken = taken + more.astype(np.int64)
    taken[np.argsort(-(more % 1), kind="stable")[: max_rows - taken.sum()]] += 1
    chosen = [rng.choice(np.flatnonzero(known == c), n, replace=False) for c, n in enumerate(taken)]
    return np.sort(np.concatenate(chosen)), np.log(sizes / len(known)) - np.log(taken / taken.sum())


def _halved(memory: Memory) -> Memory:
    """Rounded to half precision, in which a bundle keeps it."""
    return Memory(
        keys=memory.keys.astype(np.float16).astype(np.float32),
        values=memory.values.astype(np.float16).astype(np.float32),
    )
