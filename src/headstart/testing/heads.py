"""What every head promises: `headstart.heads.problem.HeadEstimator`."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from headstart.core.tasks import get_task, task_names
from headstart.heads import adapt
from headstart.heads.problem import Problem
from headstart.onnx_graph.builder import GraphBuilder
from headstart.onnx_graph.session import open_session
from headstart.testing.checks import expect, expect_close, expect_equal
from headstart.testing.small_data import blobs, directions

if TYPE_CHECKING:
    from headstart.core.tasks import TaskSpec
    from headstart.heads import Adapted
    from headstart.heads.problem import HeadEstimator
    from headstart.testing.checks import Subject


def cases(subject: Subject) -> dict[str, HeadChecks]:
    """One case for each task that the head supports."""
    head: HeadEstimator = subject.part()
    supported = [task for task in map(get_task, task_names()) if head.supports(task)]
    return {task.name: HeadChecks(subject.name, head, task) for task in supported}


@dataclass(frozen=True)
class HeadChecks:
    """A head on features of one task."""

    name: str
    head: HeadEstimator
    task: TaskSpec

    def check_has_its_registered_name(self) -> None:
        """It has the name under which it is registered."""
        expect_equal(self.head.name, self.name, "its name")

    def check_learns_separable_classes(self) -> None:
        """It learns what is easy: three separate blobs, or a sum."""
        features, targets = blobs(self.task, seed=1)
        outputs = self._adapted.head.outputs(features)
        if self.task.is_single_label:
            right, at_least = (outputs.argmax(axis=1) == targets.argmax(axis=1)).mean(), 0.95
        elif self.task.is_multi_label:
            right, at_least = ((outputs > 0.5) == targets).mean(), 0.85
        else:
            right, at_least = np.corrcoef(outputs[:, 0], targets[:, 0])[0, 1], 0.99
        quality = "a share of right answers" if self.task.has_probabilities else "a correlation"
        expect(right > at_least, f"Expected {quality} above {at_least}, got {right:.2f}.")

    def check_gives_probabilities(self) -> None:
        """Probabilities lie between 0 and 1, those of one class an item sum to 1, and values are finite."""
        outputs = self._adapted.head.outputs(blobs(self.task, seed=2)[0])
        expect(np.isfinite(outputs).all(), "Expected finite outputs, got others.")
        if self.task.has_probabilities:
            low, high = outputs.min(), outputs.max()
            expect(low >= 0 and high <= 1, f"Expected outputs from 0 to 1, got {low:.3g} to {high:.3g}.")
        if self.task.is_single_label:
            expect_close(outputs.sum(axis=1), np.ones(len(outputs)), "the sums of an item's outputs", atol=1e-9)

    def check_graph_gives_the_same_outputs(self) -> None:
        """Its nodes in a graph give what it gives in Python, to 1e-4."""
        head, (features, _) = self._adapted.head, blobs(self.task, seed=3)
        expected = head.outputs(features)
        graph = GraphBuilder()
        value = head.extend(graph, graph.input("features", "float32", ["batch", features.shape[1]]))
        graph.output(value, "outputs", "float32", ["batch", expected.shape[1]])
        found = open_session(graph.model().SerializeToString(), threads=1).run(None, {"features": features})[0]
        expect_close(found, expected, "the outputs of the graph", atol=1e-4 * max(1.0, np.abs(found).max()))

    def check_chosen_hyperparameters_give_the_same_head(self) -> None:
        """What `with_chosen_hyperparameters` gives fits the same head again."""
        features, _ = blobs(self.task)
        again = self._adapt(self._adapted.leader).head.outputs(features)
        expect_close(again, self._adapted.head.outputs(features), "the outputs of the head fitted again", atol=1e-3)

    def check_leaves_its_inputs_alone(self) -> None:
        """Fitting changes neither features nor targets."""
        features, targets = blobs(self.task)
        before = features.copy(), targets.copy()
        self.head.fit(Problem(features=features, targets=targets, task=self.task.name, groups=np.arange(len(targets))))
        expect_equal(features, before[0], "the features after the fit")
        expect_equal(targets, before[1], "the targets after the fit")

    def check_is_deterministic(self) -> None:
        """The same data gives the same head, to the last bit."""
        again = self._adapt(self.head).head.arrays()
        for name, array in self._adapted.head.arrays().items():
            expect_equal(again[name], array, f"'{name}' of a second fit")

    def check_held_out_scores_do_not_know_the_group(self) -> None:
        """Held-out scores of an item come from fits without its whole group: a copy in the group gives nothing away."""
        noise = directions(self.task, n=60, d=40, separation=0.0)
        doubled = noise.take(np.repeat(np.arange(60), 2))
        scores, targets = self.head.fit(doubled).held_out(doubled.groups), doubled.signs
        expect_equal(scores.shape, targets.shape, "the shape of the held-out scores")
        found = np.corrcoef((scores - scores.mean(axis=0)).ravel(), (targets - targets.mean(axis=0)).ravel())[0, 1]
        message = f"Expected no correlation of held-out scores with the targets of noise (below 0.4), got {found:.2f}."
        expect(not found >= 0.4, message)

    @cached_property
    def _adapted(self) -> Adapted:
        return self._adapt(self.head)

    def _adapt(self, head: HeadEstimator) -> Adapted:
        features, targets = blobs(self.task)
        return adapt(features, targets, task=self.task.name, groups=np.arange(len(targets)), head=head)
