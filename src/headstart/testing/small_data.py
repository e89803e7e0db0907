"""Small synthetic data of every task, whose targets can be learned from what it looks like."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from headstart.core.dataset import Dataset
from headstart.core.tasks.single_label import single_label_task
from headstart.heads.problem import Problem

if TYPE_CHECKING:
    from collections.abc import Callable

    from headstart.core.arrays import FloatArray
    from headstart.core.tasks import TaskSpec


def n_classes(task: TaskSpec) -> int:
    """How many classes such a task has here: 3, unless it is for two."""
    return 2 if task is single_label_task(2) else 3


def blobs(task: TaskSpec, *, n: int = 90, d: int = 12, seed: int = 0) -> tuple[FloatArray, FloatArray]:
    """Features (n, d), float32, around three centres, and targets (n, k) that follow from them."""
    rng = np.random.default_rng(seed)
    centres = np.arange(n) % 3
    features = np.abs(rng.normal(size=(n, d)) + 4.0 * np.eye(3, d)[centres])
    if task.is_single_label:
        targets = np.eye(n_classes(task))[np.minimum(centres, n_classes(task) - 1)]
    elif task.is_multi_label:
        targets = (features[:, :3] > 2.0).astype(float)
    else:
        targets = features @ np.ones((d, 1))
    return features.astype(np.float32), targets


def directions(
    task: TaskSpec, *, n: int = 90, d: int = 12, separation: float = 3.0, seed: int = 0, n_per_group: int = 1
) -> Problem:
    """Features in which the targets lie along some axes, `separation` standard deviations apart."""
    rng = np.random.default_rng(seed)
    if task.is_single_label:
        targets = np.eye(n_classes(task))[np.arange(n) % n_classes(task)]
    elif task.is_multi_label:
        targets = rng.integers(0, 2, size=(n, 3)).astype(float)
    else:
        targets = rng.normal(size=(n, 1))
    axes = np.linalg.qr(rng.normal(size=(d, d)))[0][: targets.shape[1]]
    features = rng.normal(size=(n, d)) + separation * targets @ axes
    return Problem(features=features, targets=targets, task=task.name, groups=np.arange(n) // n_per_group)


def dataset(task: TaskSpec, modality: str, draw: Callable[[np.random.Generator, int], Any], *, n: int = 90) -> Dataset:
    """Items by `draw(rng, class)` with targets that follow from their classes; values are around 100, 110 and 120."""
    rng = np.random.default_rng(0)
    codes = np.arange(n) % n_classes(task)
    if task.is_single_label:
        targets = np.eye(n_classes(task))[codes]
    elif task.is_multi_label:
        targets = np.stack([codes == 0, codes != 1], axis=1).astype(float)
    else:
        targets = 100 + 10.0 * codes[:, None] + rng.normal(size=(n, 1))
    return Dataset(
        name="separable",
        modality=modality,
        task=task.name,
        items=[draw(rng, int(code)) for code in codes],
        ids=[str(i) for i in range(n)],
        targets=targets,
        labels=tuple(f"label {j}" for j in range(targets.shape[1])),
    )
