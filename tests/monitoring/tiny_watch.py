"""A made-up table whose probabilities are right, for the tests of the watch."""

from __future__ import annotations

import numpy as np

from headstart.core.dataset import Field
from headstart.core.tasks import get_task
from headstart.monitoring.referring import make_reference

FIELDS = (Field("age", "number"), Field("job", "category"), Field("pay", "number"))
LABELS = ("no", "yes")


def draw(n, *, seed, shift=0.0, flipped=0.0, jobs=("clerk", "nurse", "pilot")):
    """Items, outputs (n, 2), and labels by name."""
    rng = np.random.default_rng(seed)
    items = [
        {"age": float(rng.normal() + shift), "job": str(rng.choice(jobs)), "pay": float(rng.exponential())}
        for _ in range(n)
    ]
    yes = 1 / (1 + np.exp(-2 * np.array([item["age"] for item in items])))
    codes = (rng.random(n) < yes).astype(int)
    codes = np.where(rng.random(n) < flipped, 1 - codes, codes)
    return items, np.stack([1 - yes, yes], axis=1), [LABELS[code] for code in codes]


def features_of(items):
    return np.array([[item["age"], item["pay"]] for item in items])


def reference(n=600, *, seed=0, **changes):
    items, outputs, labels = draw(n, seed=seed)
    return make_reference(
        task=get_task("binary"),
        labels=LABELS,
        fields=FIELDS,
        items=items,
        outputs=outputs,
        targets=np.eye(2)[[LABELS.index(label) for label in labels]],
        features=features_of(items),
        blocks=[("net", 0, 2)],
        **changes,
    )
