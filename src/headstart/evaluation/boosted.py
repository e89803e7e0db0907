"""Boosted: what every library of boosting gives: trees as arrays, stage after stage; and what is asked of it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from headstart.evaluation.trees import Trees, join_trees

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from headstart.core.dataset import FloatArray, IntArray
    from headstart.core.tasks import TaskSpec

_MANY_TREES, _MAX_TREES = (
    5_000,
    3_000,
)  # of one growth, from where it is cut, and to how many; a tree of few leaves takes about 0.7 ms
_MIN_STAGES, _MAX_RATE = 3, 0.3


@dataclass(frozen=True, kw_only=True)
class Shape:
    """How trees are grown.

    Attributes
    ----------
    leaves : of a tree, at most
    least : rows in a leaf, at least
    l2 : penalty on the values of leaves
    features : share of them that a node chooses among
    """

    leaves: int
    least: int
    l2: float
    features: float

    def __str__(self) -> str:
        return f"trees of {self.leaves} leaves"


@dataclass(frozen=True, kw_only=True)
class Boosted:
    """Boosted trees: scores are `start` plus what the trees add, spread over the outputs.

    Attributes
    ----------
    start : shape (k,)
    trees : as many a stage, stage after stage
    n_per_stage : how many
    """

    start: FloatArray
    trees: Trees
    n_per_stage: int

    def staged(self, rows: FloatArray, stages: Sequence[int]) -> FloatArray:
        """Scores after so many stages, shape (n_stages, n, k)."""
        sums = self.trees.staged(rows, [stage * self.n_per_stage for stage in stages])
        return np.asarray(self.start + sums @ spread_of(len(self.start), self.trees.n_targets))

    def first(self, stages: int) -> Boosted:
        """Keep the first stages."""
        return replace(self, trees=self.trees.first(stages * self.n_per_stage))


def spread_of(n_outputs: int, n_targets: int) -> FloatArray:
    """What the targets of trees add to the outputs, shape (n_targets, n_outputs): two classes share one target."""
    return np.eye(n_outputs) if n_outputs == n_targets else np.array([[-0.5, 0.5]])


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What is tried.

    Attributes
    ----------
    max_rows : up to which it suits
    shapes : of trees
    stages : at most
    rate : what a tree counts
    n_outputs : each has a tree a stage
    is_cut : whether it was made smaller, as there are so many outputs
    """

    max_rows: float
    shapes: tuple[Shape, ...]
    stages: int
    rate: float
    n_outputs: int = 1
    is_cut: bool = False

    def for_outputs(self, n_outputs: int) -> Plan:
        """The same plan, with no more trees than can be grown while somebody waits: fewer stages, which count more, of one shape."""
        if n_outputs * self.stages <= _MANY_TREES:
            return replace(self, n_outputs=n_outputs)
        stages = max(_MIN_STAGES, _MAX_TREES // n_outputs)
        rate = max(self.rate, min(_MAX_RATE, self.rate * self.stages / stages))
        return replace(self, shapes=self.shapes[:1], stages=stages, rate=rate, n_outputs=n_outputs, is_cut=True)

    @property
    def note(self) -> str:
        """What a note says of a plan that was cut."""
        return f", at most {self.stages} rounds, as each takes {self.n_outputs:,} trees" if self.is_cut else ""


class Grow(Protocol):
    """A way to grow boosted trees."""

    def __call__(
        self,
        rows: FloatArray,
        targets: FloatArray,
        task: TaskSpec,
        shape: Shape,
        *,
        stages: int,
        rate: float,
        seed: int,
    ) -> Boosted:
        """Grow trees on all the rows.

        Parameters
        ----------
        rows : float32, shape (n, d), NaN where a value is missing
        targets : shape (n, k); values of about unit spread
        stages : how many times a tree is added for each target
        rate : what a tree counts
        """
        ...


@dataclass(frozen=True, kw_only=True)
class Booster:
    """A library of boosting, and what is tried with it."""

    plans: tuple[Plan, ...]
    grow: Grow

    def plan(self, n_rows: int, n_outputs: int = 1) -> Plan:
        """What is tried on so many rows, with so many outputs."""
        return next(plan for plan in self.plans if n_rows <= plan.max_rows).for_outputs(n_outputs)


def boost_classes(fit: Callable[[IntArray], tuple[FloatArray, Trees]], targets: FloatArray, stages: int) -> Boosted:
    """Boost the classes that occur; the others start with the score of half an item.

    Parameters
    ----------
    fit : takes the class of each row, numbered without gaps, and gives where scores start and the trees: of two classes the log-odds
        of the second
    """
    k, counts = targets.shape[1], targets.sum(axis=0)
    seen = np.flatnonzero(counts)
    logs = np.log(np.maximum(counts, 0.5) / len(targets))
    if len(seen) == 1:
        trees = replace(constant_trees(np.zeros(1), stages)[1], n_targets=1 if k == 2 else k)
        return Boosted(start=logs, trees=trees, n_per_stage=1)
    raw, trees = fit(targets[:, seen].argmax(axis=1))
    start = logs - logs[seen].mean()
    start[seen] = raw @ spread_of(len(seen), len(raw))
    if k == 2:
        return Boosted(start=start, trees=trees, n_per_stage=1)
    if len(seen) == 2:
        halves = [replace(trees, value=trees.value * np.float32(half)) for half in (-0.5, 0.5)]
        return Boosted(start=start, trees=interleaved(halves, seen, k), n_per_stage=2)
    return Boosted(start=start, trees=replace(trees, target=seen[trees.target], n_targets=k), n_per_stage=len(seen))


def constant_trees(label: Any, stages: int) -> tuple[FloatArray, Trees]:
    """The log-odds of a label that all or no items have, as if half an item were different, and trees of a leaf each."""
    odds = float(np.log(2 * len(label) + 1))
    own, nothing = np.arange(stages), np.zeros(stages)
    trees = Trees(
        roots=own,
        target=np.zeros(stages, np.int64),
        left=own,
        right=own,
        feature=np.zeros(stages, np.int64),
        threshold=nothing.astype(np.float32),
        missing_left=nothing.astype(bool),
        value=nothing.astype(np.float32),
        n_targets=1,
    )
    return np.array([odds if label[0] else -odds]), trees


def boost_labels(fit: Callable[[IntArray], tuple[FloatArray, Trees]], targets: FloatArray, stages: int) -> Boosted:
    """Boost every label by itself; `fit` takes which rows have it, as 0 and 1, and gives log-odds to start from and the trees."""
    parts = [
        constant_trees(label, stages) if label.all() or not label.any() else fit(label.astype(np.int64))
        for label in (targets > 0.5).T
    ]
    start = np.concatenate([start for start, _ in parts])
    trees = interleaved([trees for _, trees in parts], np.arange(len(parts)), len(parts))
    return Boosted(start=start, trees=trees, n_per_stage=len(parts))


def interleaved(parts: Sequence[Trees], outputs: IntArray, k: int) -> Trees:
    """Trees for some of k outputs, of as many stages each, those of a stage side by side."""
    stages = len(parts[0])
    trees = join_trees([replace(part, n_targets=k) for part in parts])
    order = np.arange(len(parts) * stages).reshape(len(parts), stages).T.ravel()
    sizes = np.diff(np.append(trees.roots, len(trees.left)))
    nodes = np.concatenate(
        [np.arange(start, start + size) for start, size in zip(trees.roots[order], sizes[order], strict=True)]
    )
    place = np.empty(len(nodes), np.int64)
    place[nodes] = np.arange(len(nodes))
    return replace(
        trees,
        roots=place[trees.roots[order]],
        target=np.tile(outputs, stages),
        left=place[trees.left[nodes]],
        right=place[trees.right[nodes]],
        **{name: getattr(trees, name)[nodes] for name in ("feature", "threshold", "missing_left", "value")},
    )
