"""Ridge: the held-out score of a closed-form linear head."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from headstart.heads import adapt
from headstart.heads.ridge import Ridge
from headstart.ranking.ranker import Rating

if TYPE_CHECKING:
    from headstart.heads.problem import Problem
    from headstart.sources import Card


@dataclass(frozen=True, kw_only=True)
class RidgeRanker:
    """Leave-one-group-out predictions of the same ridge head that `adapt` fits.

    Attributes
    ----------
    transforms : of the features; one is enough to compare sources, while `adapt` tries all
    """

    name: str = "ridge"
    transforms: tuple[str, ...] = ("power",)

    def score_source(self, problem: Problem, card: Card) -> Rating:  # noqa: ARG002  (all rankers share one signature)
        """The headline metric of the held-out outputs."""
        adapted = adapt(
            problem.features,
            problem.targets,
            task=problem.task,
            groups=problem.groups,
            head=Ridge(transforms=self.transforms, scaled_transforms=()),
            seed=problem.seed,
        )
        metric = problem.task_spec.headline(problem.targets)
        return Rating(value=metric.of(problem.targets, adapted.held_out), outputs=adapted.held_out)
