"""What every ranker promises: `headstart.ranking.ranker.Ranker`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from headstart.core.tasks import get_task, task_names
from headstart.testing.checks import expect, expect_close, expect_equal
from headstart.testing.small_data import directions
from headstart.testing.tiny_sources import card

if TYPE_CHECKING:
    from headstart.core.tasks import TaskSpec
    from headstart.heads.problem import Problem
    from headstart.ranking.ranker import Ranker, Rating
    from headstart.testing.checks import Subject

_CARD = card("static-embeddings")


def cases(subject: Subject) -> dict[str, RankerChecks]:
    """One case for each task."""
    return {name: RankerChecks(subject.name, subject.part(), get_task(name)) for name in task_names()}


@dataclass(frozen=True)
class RankerChecks:
    """A ranker on features of one task."""

    name: str
    ranker: Ranker
    task: TaskSpec

    def check_has_its_registered_name(self) -> None:
        """It has the name under which it is registered."""
        expect_equal(self.ranker.name, self.name, "its name")

    def check_scores_are_finite(self) -> None:
        """It rates a source by a finite number."""
        value = self._rate(directions(self.task)).value
        expect(np.isfinite(value), f"Expected a finite number, got {value}.")

    def check_order_of_rows_does_not_matter(self) -> None:
        """The same items in another order give the same rating."""
        problem = directions(self.task)
        order = np.random.default_rng(1).permutation(len(problem.targets))
        found, expected = self._rate(problem.take(order)).value, self._rate(problem).value
        expect_close(found, expected, "the rating of the items in another order", atol=1e-6, rtol=1e-6)

    def check_is_deterministic(self) -> None:
        """The same items give the same rating, to the last bit."""
        problem = directions(self.task)
        expect_equal(self._rate(problem).value, self._rate(problem).value, "the rating")

    def check_leaves_its_inputs_alone(self) -> None:
        """Rating changes neither features nor targets."""
        problem = directions(self.task)
        before = problem.features.copy(), problem.targets.copy()
        self._rate(problem)
        expect_equal(problem.features, before[0], "the features after the rating")
        expect_equal(problem.targets, before[1], "the targets after the rating")

    def check_outputs_have_the_shape_of_the_targets(self) -> None:
        """Held-out outputs, where it makes them, have the shape of the targets, and what each item adds is one number."""
        problem = directions(self.task)
        rating = self._rate(problem)
        if rating.outputs is not None:
            expect_equal(rating.outputs.shape, problem.targets.shape, "the shape of the outputs")
        if rating.by_item is not None:
            expect_close(np.mean(rating.by_item), rating.value, "the mean of what the items add", atol=1e-6, rtol=1e-6)

    def check_a_copy_in_the_group_gives_nothing_away(self) -> None:
        """Where it makes held-out outputs, items that are doubled within their group are rated no better than noise."""
        problem = directions(self.task, n=60, separation=0.0)
        doubled = self._rate(problem.take(np.repeat(np.arange(60), 2)))
        if doubled.outputs is not None:
            single = self._rate(problem).value
            message = (
                f"Expected a rating of noise near {single:.3f}, got {doubled.value:.3f} with a copy in each group."
            )
            expect(doubled.value < single + 0.15, message)

    def check_separable_features_rank_above_noise(self) -> None:
        """The better features tell targets apart, the higher it rates them, unless it looks at no features."""
        values = [self._rate(directions(self.task, separation=separation)).value for separation in (0.0, 1.0, 4.0)]
        message = f"Expected rising ratings of noise, of overlapping and of separate classes, got {values}."
        expect(len(set(values)) == 1 or (values == sorted(values) and values[0] < values[-1]), message)

    def _rate(self, problem: Problem) -> Rating:
        return self.ranker.score_source(problem, _CARD)
