"""Contest: the model and its rivals predict the same held-out items, each fitted without them."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

import numpy as np

from headstart.adaptation import adapt
from headstart.adaptation.problem import Problem
from headstart.adaptation.transferred import Transferred
from headstart.sources import JointSource

if TYPE_CHECKING:
    from typing import TextIO

    from headstart.adaptation import Adapted
    from headstart.adaptation.problem import Candidate
    from headstart.core.dataset import Dataset, FloatArray, IntArray
    from headstart.core.model import Predictor
    from headstart.data.holdout import Plan
    from headstart.engines.journal import Journal
    from headstart.proof.rival import Rival
    from headstart.sources import AnySource


@dataclass(frozen=True, kw_only=True)
class Arena:
    """What every contestant is given.

    Attributes
    ----------
    dataset : its `groups` are those of near-duplicates, joined with the user's
    features : shape (n, d), of the dataset's items by `backbone`
    plan : who learns from what, and is proven on what
    progress : where long rivals write how far they are; None for silence
    """

    dataset: Dataset
    features: FloatArray
    backbone: AnySource
    plan: Plan
    strategy: str
    seed: int
    journal: Journal
    progress: TextIO | None = None

    @property
    def groups(self) -> IntArray:
        """The group of each item, shape (n,)."""
        assert self.dataset.groups is not None
        return self.dataset.groups

    def problem(self, index: IntArray) -> Problem:
        """What there is to learn from the items at `index`."""
        return Problem(
            features=self.features[index],
            targets=self.dataset.targets[index],
            task=self.dataset.task,
            groups=self.groups[index],
            seed=self.seed,
        )

    def only(self, sources: set[str]) -> Arena:
        """The same with some of the sources of its joint one."""
        assert isinstance(self.backbone, JointSource)
        columns = np.concatenate(
            [np.arange(part.start, part.stop) for name, part in self.backbone.parts.items() if name in sources]
        )
        return replace(self, features=self.features[:, columns], backbone=self.backbone.only(sources))

    def adapt(self, index: IntArray, *, strategy: str | Candidate | None = None) -> Adapted:
        """Fit a head on the items at `index`, exactly as the shipped one is fitted."""
        parts = None if self.backbone is None else self.backbone.parts
        return adapt(**vars(self.problem(index)), strategy=strategy or self.strategy, parts=parts)


class Contestant(Protocol):
    """Anything that can be fitted on some items of the arena."""

    @property
    def name(self) -> str:
        """The word for machines."""
        ...

    @property
    def title(self) -> str:
        """What a sentence calls it."""
        ...

    def fit(self, arena: Arena, index: IntArray) -> Predictor:
        """Fit on the items at `index` and on nothing else."""
        ...

    def outputs(self, arena: Arena, fitted: Predictor, index: IntArray) -> FloatArray:
        """Predict the items at `index`, shape (m, k)."""
        ...


@dataclass(frozen=True)
class Transfer:
    """The model itself: features are at hand, so that only heads are fitted.

    `final` was fitted on `arena.plan.final` already.
    """

    name: str
    final: Adapted

    @property
    def title(self) -> str:
        """The model has no other name."""
        return self.name

    def fit(self, arena: Arena, index: IntArray) -> Transferred:
        """Fit a head, unless it is the final one."""
        adapted = self.final if np.array_equal(index, arena.plan.final) else arena.adapt(index)
        return Transferred(name=self.name, network=arena.backbone, head=adapted.head)

    def outputs(self, arena: Arena, fitted: Predictor, index: IntArray) -> FloatArray:
        """Predict from the features."""
        return fitted.head.outputs(arena.features[index])


@dataclass(frozen=True)
class RivalContestant:
    """A rival, fitted from the items."""

    rival: Rival

    @property
    def name(self) -> str:
        """The rival's name."""
        return self.rival.name

    @property
    def title(self) -> str:
        """The rival's title."""
        return self.rival.title

    def fit(self, arena: Arena, index: IntArray) -> Predictor:
        """Fit the rival."""
        return self.rival.fit(arena.dataset, index, seed=arena.seed, journal=arena.journal, progress=arena.progress)

    def outputs(self, arena: Arena, fitted: Predictor, index: IntArray) -> FloatArray:
        """Predict from the items."""
        return fitted.predict([arena.dataset.items[i] for i in index])


@dataclass(frozen=True, kw_only=True)
class Performance:
    """What a contestant said of the held-out items.

    Attributes
    ----------
    outputs : shape (n_held_out, k), in the order of `plan.held_out`
    seconds : fitting and predicting, over all folds
    fitted : the predictor of the last fold; with one fold and a given test part it is the one to ship
    """

    name: str
    title: str
    outputs: FloatArray
    seconds: float
    fitted: Predictor


def perform(contestant: Contestant, arena: Arena) -> Performance:
    """Fit on each fold's learning part and predict its held-out part."""
    started = time.perf_counter()
    outputs, fitted = [], None
    for learnt, held_out in arena.plan.folds:
        fitted = contestant.fit(arena, learnt)
        outputs.append(contestant.outputs(arena, fitted, held_out))
    assert fitted is not None
    return Performance(
        name=contestant.name,
        title=contestant.title,
        outputs=np.concatenate(outputs),
        seconds=time.perf_counter() - started,
        fitted=fitted,
    )
