"""The published checks of every head, and what is known of the built-in ones beyond them."""

import numpy as np
import pytest

from headstart.core.errors import OptionError
from headstart.core.registry import get, names
from headstart.core.tasks import get_task
from headstart.heads import adapt
from headstart.heads.calibration import fit_calibration
from headstart.heads.folds import out_of_fold_scores
from headstart.heads.problem import Problem
from headstart.testing import checks_of
from headstart.testing.small_data import blobs

MULTICLASS = get_task("multiclass")
TASKS = ("binary", "multiclass", "multilabel", "regression")
CASES = [(name, task) for name in names("heads") for task in TASKS if get("heads", name)().supports(get_task(task))]


@pytest.mark.parametrize("check", checks_of("heads"), ids=str)
def test_every_head(check):
    check()


@pytest.mark.parametrize(("name", "task"), CASES)
def test_held_out_scores_do_not_know_the_group(name, task):
    """Other targets within one group leave that group's own held-out scores as they were.

    Class weights follow the class counts of all items, so labels change places and none is added.
    """
    features, targets = blobs(get_task(task), n=30)
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
    features, targets = blobs(MULTICLASS)
    groups = np.arange(len(targets))
    auto = adapt(features, targets, task="multiclass", groups=groups)
    best = min(
        adapt(features, targets, task="multiclass", groups=groups, head=c["name"]).head_candidates[0]["loss"]
        for c in auto.head_candidates
    )
    assert get_task("multiclass").losses(auto.held_out, targets).mean() <= best + 1e-9


def test_unknown_head_names_the_nearest():
    features, targets = blobs(MULTICLASS)
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
    features, targets = blobs(MULTICLASS, n=120)
    groups = np.arange(120) // 2
    seen = []

    def fit_scores(inside, outside):
        seen.append(set(inside.groups))
        return np.zeros((len(outside), 1))

    problem = Problem(features=features, targets=targets, task="multiclass", groups=groups)
    out_of_fold_scores(problem, groups, fit_scores)
    assert len(seen) == 5
    assert all(len(s) == 48 for s in seen)
