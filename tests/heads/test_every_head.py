"""The promises of every head estimator, a plugin's too."""

import numpy as np
import onnxruntime
import pytest

from headstart.core.errors import OptionError
from headstart.core.registry import get, names
from headstart.core.tasks import get_task
from headstart.heads import adapt
from headstart.heads.calibration import fit_calibration
from headstart.heads.folds import out_of_fold_scores
from headstart.heads.problem import Problem
from headstart.onnx_graph.builder import GraphBuilder


def make_blobs(task="multiclass", n=90, d=12, seed=0):
    rng = np.random.default_rng(seed)
    classes = np.arange(n) % 3
    features = np.abs(rng.normal(size=(n, d)) + 4.0 * np.eye(3, d)[classes])
    targets = {
        "multiclass": np.eye(3)[classes],
        "binary": np.eye(2)[(classes > 0).astype(int)],
        "multilabel": (features[:, :3] > 2.0).astype(float),
        "regression": features @ np.ones((d, 1)),
    }[task]
    return features.astype(np.float32), targets


def fit(name, task, **settings):
    features, targets = make_blobs(task, **settings)
    return adapt(features, targets, task=task, groups=np.arange(len(targets)), head=name)


TASKS = {
    "ridge": ("binary", "multiclass", "multilabel", "regression"),
    "logistic": ("binary", "multiclass", "multilabel"),
}
CASES = [(name, task) for name in names("heads") for task in TASKS.get(name, ("binary", "multiclass"))]


@pytest.mark.parametrize(("name", "task"), CASES)
class TestEveryHead:
    def test_learns_what_is_easy(self, name, task):
        adapted = fit(name, task)
        features, targets = make_blobs(task, seed=1)
        outputs = adapted.head.outputs(features)
        if task == "regression":
            assert np.corrcoef(outputs[:, 0], targets[:, 0])[0, 1] > 0.99
        elif task == "multilabel":
            assert ((outputs > 0.5) == targets).mean() > 0.85
        else:
            assert (outputs.argmax(axis=1) == targets.argmax(axis=1)).mean() > 0.95

    def test_probabilities_sum_to_one(self, name, task):
        outputs = fit(name, task).head.outputs(make_blobs(task, seed=2)[0])
        if task in ("binary", "multiclass"):
            np.testing.assert_allclose(outputs.sum(axis=1), 1.0, atol=1e-9)
        if task != "regression":
            assert outputs.min() >= 0.0
            assert outputs.max() <= 1.0

    def test_the_graph_gives_the_same_outputs(self, name, task):
        head = fit(name, task).head
        features, _ = make_blobs(task, seed=3)
        graph = GraphBuilder()
        value = head.extend(graph, graph.input("features", "float32", ["batch", features.shape[1]]))
        graph.output(value, "outputs", "float32", ["batch", head.outputs(features).shape[1]])
        session = onnxruntime.InferenceSession(graph.model().SerializeToString())
        packed = session.run(["outputs"], {"features": features})[0]
        np.testing.assert_allclose(packed, head.outputs(features), atol=1e-4 * max(1.0, np.abs(packed).max()))

    def test_refitted_with_the_chosen_hyperparameters_it_is_the_same_head(self, name, task):
        features, targets = make_blobs(task)
        whole = fit(name, task)
        refitted = adapt(features, targets, task=task, groups=np.arange(len(targets)), head=whole.leader)
        np.testing.assert_allclose(refitted.head.outputs(features), whole.head.outputs(features), atol=1e-3)

    def test_leaves_its_inputs_alone(self, name, task):
        features, targets = make_blobs(task)
        before = features.copy(), targets.copy()
        adapt(features, targets, task=task, groups=np.arange(len(targets)), head=name)
        np.testing.assert_array_equal(features, before[0])
        np.testing.assert_array_equal(targets, before[1])

    def test_is_the_same_twice(self, name, task):
        a, b = fit(name, task), fit(name, task)
        for key, array in a.head.arrays().items():
            np.testing.assert_array_equal(array, b.head.arrays()[key])

    def test_held_out_scores_do_not_know_the_group(self, name, task):
        """Other targets within one group leave that group's own held-out scores as they were.

        Class weights follow the class counts of all items, so labels change places and none is added.
        """
        features, targets = make_blobs(task, n=30)
        groups = np.arange(30) // 3
        changed = targets.copy()
        mine = groups == 4
        if task == "regression":
            changed[mine] += 50.0
        elif task == "multilabel":
            changed[mine] = targets[mine][:, ::-1]
        else:
            changed[mine] = np.roll(targets[mine], 1, axis=0)
        assert not np.array_equal(changed, targets)
        scores = [
            get("heads", name)().fit(Problem(features=features, targets=t, task=task, groups=groups))
            for t in (targets, targets)
        ]
        penalty_fixed = scores[0]
        other = type(penalty_fixed)(**{**vars(penalty_fixed), **_with_targets(penalty_fixed, changed)})
        np.testing.assert_allclose(penalty_fixed.held_out(groups)[mine], other.held_out(groups)[mine], atol=1e-5)


def _with_targets(fitted, targets):
    """The same fit with its penalty, on other targets."""
    problem = fitted.path.problem if hasattr(fitted, "path") else fitted.problem
    problem = Problem(features=problem.features, targets=targets, task=problem.task, groups=problem.groups)
    if not hasattr(fitted, "path"):
        return {"problem": problem}
    from headstart.heads.ridge import RidgePath

    transform = fitted.path.transform
    scaled = fitted.path.scaled
    return {"path": RidgePath.of(problem, transform, scaled=scaled)}


def test_auto_is_no_worse_than_any_single_head_on_held_out_loss():
    features, targets = make_blobs()
    groups = np.arange(len(targets))
    auto = adapt(features, targets, task="multiclass", groups=groups)
    best = min(
        adapt(features, targets, task="multiclass", groups=groups, head=c["name"]).head_candidates[0]["loss"]
        for c in auto.head_candidates
    )
    assert get_task("multiclass").losses(auto.held_out, targets).mean() <= best + 1e-9


def test_unknown_head_names_the_nearest():
    features, targets = make_blobs()
    with pytest.raises(OptionError, match="no head named 'rigde'. Did you mean 'ridge'"):
        adapt(features, targets, task="multiclass", groups=np.arange(len(targets)), head="rigde")


def test_calibration_recovers_known_probabilities():
    rng = np.random.default_rng(0)
    scores = rng.normal(size=(20000, 3))
    logits = 2.5 * scores + np.array([0.5, 0.0, -0.5])
    p = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    targets = np.eye(3)[(p.cumsum(axis=1) < rng.uniform(size=(20000, 1))).sum(axis=1)]
    calibration = fit_calibration(scores, targets, get_task("multiclass"))
    assert calibration.slope == pytest.approx(2.5, rel=0.05)
    np.testing.assert_allclose(calibration.outputs(scores, get_task("multiclass")), p, atol=0.03)


def test_out_of_fold_scores_keep_groups_whole():
    features, targets = make_blobs(n=120)
    groups = np.arange(120) // 2
    seen = []

    def fit_scores(inside, outside):
        seen.append(set(inside.groups))
        return np.zeros((len(outside), 1))

    problem = Problem(features=features, targets=targets, task="multiclass", groups=groups)
    out_of_fold_scores(problem, groups, fit_scores)
    assert len(seen) == 5
    assert all(len(s) == 48 for s in seen)
