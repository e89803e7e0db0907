"""What every task promises: the parts of a `headstart.core.tasks.TaskSpec` fit together."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from headstart.core.prediction import Prediction
from headstart.testing.checks import expect, expect_close, expect_equal
from headstart.testing.small_data import n_classes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from headstart.core.arrays import FloatArray
    from headstart.core.tasks import TaskSpec
    from headstart.testing.checks import Subject

_N = 30
_SEEDS = range(20)
_LETTERS = "abcdefgh"


def cases(subject: Subject) -> dict[str, TaskChecks]:
    """The task itself is the only case."""
    return {"": TaskChecks(subject.name, subject.part)}


@dataclass(frozen=True)
class TaskChecks:
    """A task on random scores and targets."""

    name: str
    task: TaskSpec

    def check_has_its_registered_name(self) -> None:
        """It has the name under which it is registered."""
        expect_equal(self.task.name, self.name, "its name")

    def check_link_gives_probabilities_or_values(self) -> None:
        """The link gives probabilities or values, finite and of the shape of the scores."""
        for scores, _ in self._draws():
            outputs = self.task.outputs(100 * scores)
            expect_equal(outputs.shape, scores.shape, "the shape of the outputs")
            expect(np.isfinite(outputs).all(), "Expected finite outputs for large scores, got others.")
            if self.task.has_probabilities:
                low, high = outputs.min(), outputs.max()
                expect(low >= 0 and high <= 1, f"Expected outputs from 0 to 1, got {low:.3g} to {high:.3g}.")
            if self.task.is_single_label:
                expect_close(outputs.sum(axis=1), np.ones(_N), "the sums of an item's outputs", atol=1e-7, rtol=1e-7)

    def check_loss_is_least_for_the_true_targets(self) -> None:
        """The loss is 0 for the true targets, larger for others, and the sum of its terms."""
        for scores, targets in self._draws():
            losses, least = self._loss(scores, targets), self.task.losses(targets, targets)
            expect_equal(losses.shape, (_N,), "the shape of the losses")
            expect((losses >= least).all(), f"Expected no loss below that of the true targets, got {losses.min():.3g}.")
            expect_close(least, np.zeros(_N), "the losses of the true targets", atol=1e-7)
            terms = self.task.loss_terms(self.task.outputs(scores), targets).sum(axis=1)
            expect_close(losses, terms, "the losses beside the sums of their terms", atol=0, rtol=1e-7)

    def check_loss_is_finite_for_sure_and_wrong_outputs(self) -> None:
        """The loss of outputs that are sure and wrong is finite."""
        _, targets = self._draw(0)
        for smallest in (1e-3, 1e-9, 1e-300):
            losses = self.task.losses(1.0 - targets, targets, min_probability=smallest)
            expect(np.isfinite(losses).all(), f"Expected finite losses with a least probability of {smallest}.")

    def check_gradient_equals_finite_differences(self) -> None:
        """The gradient is the derivative of the loss in the scores."""
        for scores, targets in self._draws():
            found = self.task.gradient(self.task.outputs(scores), targets)
            expect_close(found.ravel(), self._finite_gradient(scores, targets), "the gradient", atol=1e-4)

    def check_curvature_equals_finite_differences(self) -> None:
        """The curvature is the derivative of the gradient along a direction and in offsets, and never negative."""
        for scores, targets in self._draws():
            direction = np.random.default_rng(0).normal(size=scores.shape)
            found = self.task.curvature(self.task.outputs(scores), direction)
            expected = self._finite_curvature(scores, targets, direction)
            expect_close(found, expected, "the curvature", atol=1e-4)
            least = np.linalg.eigvalsh(found).min()
            expect(least > -1e-9, f"Expected no negative eigenvalue of the curvature, got {least:.3g}.")

    def check_torch_loss_is_the_same_loss(self) -> None:
        """The loss in torch is the loss in numpy."""
        import torch

        for scores, targets in self._draws():
            found = self.task.torch_losses(torch.from_numpy(scores), torch.from_numpy(targets))
            expect_close(found.numpy(), self._loss(scores, targets), "the losses in torch", atol=1e-6)

    def check_training_loss_is_smoothed_or_robust(self) -> None:
        """For training the loss can be made milder: labels smoothed, or large errors counted linearly."""
        import torch

        _, targets = self._draw(0)
        far = torch.from_numpy(10 * (1 + np.abs(targets))), torch.from_numpy(targets)
        mild = (
            self.task.torch_losses(*far, label_smoothing=0.1)
            if self.task.has_probabilities
            else self.task.torch_losses(*far, is_robust=True)
        )
        expect((self.task.torch_losses(*far) != mild).any(), "Expected another loss than without it, got the same.")
        expect(torch.isfinite(mild).all(), "Expected finite losses, got others.")

    def check_decision_is_what_the_answer_says(self) -> None:
        """The decision for an item is the one label, tuple of labels or value of its answer."""
        for scores, targets in self._draws():
            outputs, labels = self.task.outputs(scores), self._labels(targets)
            decided = self.task.decide(outputs, labels)
            expect_equal(len(decided), _N, "the number of decisions")
            for row, said in zip(outputs, decided, strict=True):
                answer = self.task.answer("x", row, labels)
                named = [value for value in (answer.label, answer.labels, answer.value) if value is not None]
                expect_equal(named, [said], "the label, labels or value of the answer")

    def check_weights_decide_between_labels(self) -> None:
        """Weights of one change nothing; a label that counts a million times as much as others is decided on."""
        for scores, targets in self._draws():
            outputs, labels, k = self.task.outputs(scores), self._labels(targets), targets.shape[1]
            expect_close(self.task.weigh(outputs, [1.0] * k), outputs, "the outputs with weights of one", atol=1e-6)
            if self.task.has_probabilities:
                weights = [1e6, *[1.0] * (k - 1)]
                answer = self.task.answer("x", outputs[0], labels, weights=weights, set_threshold=0.9)
                named = answer.labels if answer.labels is not None else (answer.label,)
                expect(labels[0] in named, f"Expected the label of large weight, got {named}.")
                expect(
                    not answer.prediction_set or answer.label in answer.prediction_set,
                    "Expected what is decided on in the prediction set.",
                )

    def check_decisions_for_the_true_targets_are_right(self) -> None:
        """All decisions for the true targets are right, fewer for their opposite; of values none is."""
        _, targets = self._draw(0)
        n_decisions = _N * self.task.n_decisions(targets.shape[1]) if self.task.has_probabilities else 0
        expect_equal(self.task.n_right(targets, targets), n_decisions, "the number of right decisions")
        if self.task.has_probabilities:
            n_right = self.task.n_right(1.0 - targets, targets)
            expect(n_right < n_decisions, f"Expected fewer than {n_decisions} right for the opposite, got {n_right}.")

    def check_answer_survives_json(self) -> None:
        """An answer is the same after JSON, and has no fields but those that the task names."""
        known = {field.name for field in dataclasses.fields(Prediction)}
        expect(set(self.task.answer_fields) <= known, f"Expected fields of Prediction, got {self.task.answer_fields}.")
        for (scores, targets), threshold in zip(self._draws(), [None, 0.3] * 10, strict=True):
            row, labels = self.task.outputs(scores)[0], self._labels(targets)
            answer = self.task.answer("photo", row, labels, top=2, set_threshold=threshold)
            expect_equal(
                Prediction.from_dict(json.loads(json.dumps(answer.to_dict()))), answer, "the answer after JSON"
            )
            more = set(answer.to_dict()) - {"item", *self.task.answer_fields}
            expect(not more, f"Expected the fields {self.task.answer_fields}, got {sorted(more)} beside them.")

    def check_headline_is_among_the_metrics(self) -> None:
        """The headline is one of the metrics, more of it is better, and the true targets have most of it."""
        for scores, targets in self._draws():
            headline = self.task.headline(targets)
            expect(headline in self.task.metrics, f"Expected one of its metrics, got '{headline.name}'.")
            expect(headline.higher_is_better, f"Expected that more of '{headline.name}' is better.")
            expect(self.task.metric(headline.name) is headline, f"Expected '{headline.name}' under its name.")
            best, found = headline.of(targets, targets), headline.of(targets, self.task.outputs(scores))
            expect(best >= found, f"Expected no more than {best:.3g}, which the true targets have, got {found:.3g}.")

    def check_balanced_metric_is_a_headline(self) -> None:
        """The metric for which labels count alike, if there is one, may head a report."""
        name = self.task.balanced_metric
        expect_equal(self.task.headline_name(name), name, "the headline that is asked for by the name")

    def check_metrics_have_unlike_names(self) -> None:
        """It has at least three metrics, and no two have one name."""
        names = [metric.name for metric in self.task.metrics]
        expect(len(names) == len(set(names)) >= 3, f"Expected three unlike names or more, got {names}.")

    def check_strata_follow_from_the_targets(self) -> None:
        """Strata number every item by its own target."""
        for seed in _SEEDS:
            _, targets = self._draw(seed)
            order = np.random.default_rng(seed).permutation(_N)
            strata = self.task.strata(targets)
            expect_equal(strata.shape, (_N,), "the shape of the strata")
            expect(np.issubdtype(strata.dtype, np.integer), f"Expected whole numbers, got {strata.dtype}.")
            expect_equal(self.task.strata(targets[order]), strata[order], "the strata of the items in another order")

    def check_least_squares_targets_keep_their_order(self) -> None:
        """The targets for least squares are in the order of the targets."""
        _, targets = self._draw(0)
        found = self.task.regression_targets(targets)[np.argsort(targets[:, 0], kind="stable"), 0]
        expect((np.diff(found) >= 0).all(), f"Expected rising values, got a fall of {-np.diff(found).min():.3g}.")

    def _draw(self, seed: int) -> tuple[FloatArray, FloatArray]:
        """Scores and targets, shape (_N, k)."""
        rng = np.random.default_rng(seed)
        k = 2 if n_classes(self.task) == 2 else 4
        if not self.task.has_probabilities:
            return rng.normal(size=(_N, 1)), rng.normal(size=(_N, 1))
        several = (rng.random((_N, k)) < 0.4).astype(float)
        targets = several if self.task.is_multi_label else np.eye(k)[rng.integers(k, size=_N)]
        return 2 * rng.normal(size=(_N, k)), targets

    def _draws(self) -> Iterator[tuple[FloatArray, FloatArray]]:
        return map(self._draw, _SEEDS)

    def _labels(self, targets: FloatArray) -> tuple[str, ...]:
        return tuple(_LETTERS[: targets.shape[1]])

    def _loss(self, scores: FloatArray, targets: FloatArray) -> FloatArray:
        return self.task.losses(self.task.outputs(scores), targets)

    def _finite_gradient(self, scores: FloatArray, targets: FloatArray) -> FloatArray:
        def total(flat: FloatArray) -> FloatArray:
            return self._loss(flat.reshape(scores.shape), targets).sum()

        return _differences(total, scores.ravel())

    def _finite_curvature(self, scores: FloatArray, targets: FloatArray, direction: FloatArray) -> FloatArray:
        def slope(step: FloatArray) -> FloatArray:
            gradient = self.task.gradient(self.task.outputs(scores + step[0] * direction + step[1:]), targets)
            return np.concatenate([[np.sum(gradient * direction)], gradient.sum(axis=0)])

        return _differences(slope, np.zeros(1 + scores.shape[1]))


def _differences(function: Callable[[FloatArray], FloatArray], at: FloatArray, step: float = 1e-5) -> FloatArray:
    """Central differences of a function of a vector, one row an entry of the vector."""
    moves = step * np.eye(len(at))
    return np.array([(function(at + move) - function(at - move)) / (2 * step) for move in moves])
