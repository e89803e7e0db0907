"""Ways to choose a source that `bench/quality/ranking.py` judges: the default, its variants, each ranker alone, always the same."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from headstart.core import registry
from headstart.heads.problem import Problem
from headstart.ranking.rankers.prior import Prior
from headstart.sources import find

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from bench.quality.ranking_cases import Case
    from headstart.ranking import Halving

BLIND = ("chance", "prior")  # they look at no item


@dataclass(frozen=True)
class Choice:
    """What a way to choose said: a score a source, and what that cost."""

    scores: dict[str, float]
    seconds: float

    @property
    def best(self) -> str:
        return max(self.scores, key=lambda name: self.scores[name])


if TYPE_CHECKING:
    Chooser = Callable[[Case, int, Prior], Choice]
    """From a case, the number of the draw, and the prior as the other datasets give it."""


def by_halving(halving: Halving, case: Case, draw: int, prior: Prior) -> Choice:
    """The default: the same loop that `headstart rank` runs, on features that are known already."""
    train = case.train[draw]
    seen = replace(halving, prior=prior).run(
        case.dataset.take(train),
        {name: find(name) for name in case.features},
        lambda name, index: case.features[name][train[index]],
        case.metric,
        seed=draw,
    )
    places = {name: float(-place) for place, name in enumerate(seen)}
    return Choice(places, sum(case.item_s[name] * one.n_items for name, one in seen.items()))


def by_ranker(name: str, case: Case, draw: int, prior: Prior) -> Choice:
    """A ranker alone: it looks at every training item of every source, but for those that look at none."""
    train = case.train[draw]
    ranker = prior if name == "prior" else registry.get("rankers", name)()
    assert case.dataset.groups is not None
    groups = case.dataset.groups[train]
    scores = {}
    for source, x in case.features.items():
        problem = Problem(
            features=x[train], targets=case.dataset.targets[train], task=case.dataset.task, groups=groups, seed=draw
        )
        scores[source] = ranker.score_source(problem, find(source)).value
    n_items = 0 if name in BLIND else len(train)
    return Choice(scores, n_items * sum(case.item_s.values()))


def always(usual: str, case: Case, draw: int, prior: Prior) -> Choice:  # noqa: ARG001  (all choosers share one signature)
    return Choice({name: float(name == usual) for name in case.truth}, 0.0)


def prior_without(cases: Sequence[Case], demo: str) -> Prior:
    """The prior's table as the other datasets give it; the one that is judged plays no part."""
    gaps = defaultdict(list)
    for case in cases:
        if case.demo != demo:
            for name, value in case.truth.items():
                gaps[name].append(100 * (value - max(case.truth.values())))
    return Prior(points={name: float(np.median(values)) for name, values in gaps.items()})
