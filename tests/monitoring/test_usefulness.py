import numpy as np
from tiny_watch import draw, features_of, reference

from headstart.core.tasks import get_task
from headstart.monitoring.usefulness import density_of, drift_of, uncertainty_of, usefulness


def test_what_the_model_is_unsure_of_comes_first() -> None:
    outputs = np.array([[0.01, 0.99], [0.45, 0.55], [0.2, 0.8]])
    assert np.argsort(-uncertainty_of(get_task("multiclass"), outputs)).tolist() == [1, 2, 0]
    assert np.argsort(-uncertainty_of(get_task("multilabel"), outputs)).tolist() == [1, 2, 0]
    assert uncertainty_of(get_task("regression"), np.array([[3.0], [9.0]])).tolist() == [1, 1]


def test_what_many_resemble_comes_before_what_is_alone() -> None:
    rng = np.random.default_rng(0)
    points = np.vstack([rng.normal(size=(300, 2)), [[12.0, 12.0]]])
    density = density_of(points)
    assert density[-1] == density.min() < 0.1 < np.median(density)
    assert density_of(np.zeros((4, 2))).tolist() == [1, 1, 1, 1]


def test_what_lies_where_the_records_moved_comes_first() -> None:
    items, outputs, _ = draw(400, seed=1, shift=1.0)
    drift = drift_of(reference(), outputs, items, features_of(items))
    ages = np.array([item["age"] for item in items])
    assert np.corrcoef(drift, ages)[0, 1] > 0.7
    assert 0 <= drift.min() <= drift.max() <= 1
    steady, outputs, _ = draw(400, seed=2)
    assert drift_of(reference(), outputs, steady, features_of(steady)).std() < drift.std() / 2


def test_usefulness_is_their_product() -> None:
    items, outputs, _ = draw(50, seed=3)
    task = get_task("binary")
    found = usefulness(task, outputs, reference=reference(), items=items)
    expected = (
        uncertainty_of(task, outputs) * density_of(np.sqrt(outputs)) * drift_of(reference(), outputs, items, None)
    )
    assert np.allclose(found, np.maximum(expected, 0), atol=1e-3)
