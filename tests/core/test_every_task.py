"""Every task keeps the promises of `TaskSpec`: its loss, derivatives, link, decision and answer fit together."""

import dataclasses
import json

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis.strategies import integers

from headstart.core.dataset import Dataset
from headstart.core.errors import OptionError
from headstart.core.prediction import Prediction
from headstart.core.tasks import get_task, task_names

SEEDS = integers(0, 2**32 - 1)
N = 30
ITEMS = settings(max_examples=20, deadline=None)


def draw(task, seed):
    """Scores and targets, shape (N, k)."""
    rng = np.random.default_rng(seed)
    k = 2 if task.name == "binary" else 4
    if not task.has_probabilities:
        return rng.normal(size=(N, 1)), rng.normal(size=(N, 1))
    targets = (rng.random((N, k)) < 0.4).astype(float) if task.is_multi_label else np.eye(k)[rng.integers(k, size=N)]
    return 2 * rng.normal(size=(N, k)), targets


def labels_of(targets):
    return tuple("abcdefgh"[: targets.shape[1]])


def loss_at(task, scores, targets):
    return task.losses(task.outputs(scores), targets)


def differences(function, at, step=1e-5):
    """Central differences of a function of a vector, one row an entry of the vector."""
    moves = step * np.eye(len(at))
    return np.array([(function(at + move) - function(at - move)) / (2 * step) for move in moves])


@pytest.mark.parametrize("name", task_names())
class TestEveryTask:
    def test_word_and_object_are_one(self, name):
        dataset = Dataset(
            name="d", modality="text", task=name, items=["x"], ids=["x"], targets=np.ones((1, 1)), labels=("a",)
        )
        assert dataset.task_spec is get_task(json.loads(json.dumps(dataset.task)))
        assert get_task(name).name == name

    @given(seed=SEEDS)
    @ITEMS
    def test_link_gives_probabilities_or_values(self, name, seed):
        task = get_task(name)
        scores, _ = draw(task, seed)
        outputs = task.outputs(100 * scores)
        assert outputs.shape == scores.shape
        assert np.isfinite(outputs).all()
        if task.has_probabilities:
            assert ((outputs >= 0) & (outputs <= 1)).all()
        if task.is_single_label:
            np.testing.assert_allclose(outputs.sum(axis=1), 1)

    @given(seed=SEEDS)
    @ITEMS
    def test_loss_is_least_for_the_true_targets(self, name, seed):
        task = get_task(name)
        scores, targets = draw(task, seed)
        losses = loss_at(task, scores, targets)
        assert losses.shape == (N,)
        assert (losses >= task.losses(targets, targets)).all()
        np.testing.assert_allclose(task.losses(targets, targets), 0, atol=1e-7)
        np.testing.assert_allclose(losses, task.loss_terms(task.outputs(scores), targets).sum(axis=1))

    def test_loss_is_finite_for_outputs_that_are_sure_and_wrong(self, name):
        task = get_task(name)
        _, targets = draw(task, 0)
        for smallest in (1e-3, 1e-9, 1e-300):
            assert np.isfinite(task.losses(1.0 - targets, targets, min_probability=smallest)).all()

    @given(seed=SEEDS)
    @ITEMS
    def test_gradient_equals_finite_differences(self, name, seed):
        task = get_task(name)
        scores, targets = draw(task, seed)
        found = task.gradient(task.outputs(scores), targets)

        def total(flat):
            return loss_at(task, flat.reshape(scores.shape), targets).sum()

        np.testing.assert_allclose(found.ravel(), differences(total, scores.ravel()), atol=1e-4)

    @given(seed=SEEDS)
    @ITEMS
    def test_curvature_equals_finite_differences_of_the_gradient(self, name, seed):
        task = get_task(name)
        scores, targets = draw(task, seed)
        direction = np.random.default_rng(seed).normal(size=scores.shape)

        def slope(step):
            gradient = task.gradient(task.outputs(scores + step[0] * direction + step[1:]), targets)
            return np.concatenate([[np.sum(gradient * direction)], gradient.sum(axis=0)])

        found = task.curvature(task.outputs(scores), direction)
        np.testing.assert_allclose(found, differences(slope, np.zeros(1 + scores.shape[1])), atol=1e-4)
        assert np.linalg.eigvalsh(found).min() > -1e-9

    @given(seed=SEEDS)
    @ITEMS
    def test_torch_loss_is_the_same_loss(self, name, seed):
        task = get_task(name)
        scores, targets = draw(task, seed)
        found = task.torch_losses(torch.from_numpy(scores), torch.from_numpy(targets))
        np.testing.assert_allclose(found.numpy(), loss_at(task, scores, targets), atol=1e-6)

    def test_training_loss_is_smoothed_or_robust(self, name):
        task = get_task(name)
        _, targets = draw(task, 0)
        far = torch.from_numpy(10 * (1 + np.abs(targets))), torch.from_numpy(targets)
        options = {"label_smoothing": 0.1} if task.has_probabilities else {"is_robust": True}
        assert (task.torch_losses(*far) != task.torch_losses(*far, **options)).any()
        assert torch.isfinite(task.torch_losses(*far, **options)).all()

    @given(seed=SEEDS)
    @ITEMS
    def test_decision_is_what_the_answer_says(self, name, seed):
        task = get_task(name)
        scores, targets = draw(task, seed)
        outputs, labels = task.outputs(scores), labels_of(targets)
        decided = task.decide(outputs, labels)
        assert len(decided) == N
        for row, said in zip(outputs, decided, strict=True):
            answer = task.answer("x", row, labels)
            given_fields = [value for value in (answer.label, answer.labels, answer.value) if value is not None]
            assert given_fields == [said]

    def test_decisions_for_the_true_targets_are_right(self, name):
        task = get_task(name)
        _, targets = draw(task, 0)
        n_decisions = N * task.n_decisions(targets.shape[1])
        if task.has_probabilities:
            assert task.n_right(targets, targets) == n_decisions
            assert task.n_right(1.0 - targets, targets) < n_decisions
        else:
            assert task.n_right(targets, targets) == 0

    @pytest.mark.parametrize("set_threshold", [None, 0.3])
    @given(seed=SEEDS)
    @ITEMS
    def test_answer_survives_json_and_has_the_named_fields(self, name, set_threshold, seed):
        task = get_task(name)
        scores, targets = draw(task, seed)
        answer = task.answer("photo", task.outputs(scores)[0], labels_of(targets), top=2, set_threshold=set_threshold)
        assert Prediction.from_dict(json.loads(json.dumps(answer.to_dict()))) == answer
        assert set(answer.to_dict()) <= {"item", *task.answer_fields}
        assert set(task.answer_fields) <= {field.name for field in dataclasses.fields(Prediction)}

    @given(seed=SEEDS)
    @ITEMS
    def test_headline_is_among_the_metrics_and_more_is_better(self, name, seed):
        task = get_task(name)
        scores, targets = draw(task, seed)
        headline = task.headline(targets)
        assert headline in task.metrics
        assert headline.higher_is_better
        assert task.metric(headline.name) is headline
        assert headline.of(targets, targets) >= headline.of(targets, task.outputs(scores))

    def test_unlike_metrics_have_unlike_names(self, name):
        names = [metric.name for metric in get_task(name).metrics]
        assert len(names) == len(set(names)) >= 3

    @given(seed=SEEDS)
    @ITEMS
    def test_strata_number_every_item_by_its_target_alone(self, name, seed):
        task = get_task(name)
        _, targets = draw(task, seed)
        order = np.random.default_rng(seed).permutation(N)
        strata = task.strata(targets)
        assert strata.shape == (N,)
        assert np.issubdtype(strata.dtype, np.integer)
        np.testing.assert_array_equal(task.strata(targets[order]), strata[order])

    def test_least_squares_targets_keep_their_order(self, name):
        _, targets = draw(get_task(name), 0)
        found = get_task(name).regression_targets(targets)
        assert (np.diff(found[np.argsort(targets[:, 0], kind="stable"), 0]) >= 0).all()


def test_unknown_task_names_the_nearest():
    with pytest.raises(OptionError, match="Did you mean 'multilabel'"):
        get_task("multi-label")
