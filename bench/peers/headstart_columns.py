"""Headstart on a table, for the benches: its whole fit, its baselines without anything pretrained, and TabPFN alone."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from bench.processes import temporary_cache
from bench.stopwatch import Stopwatch

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pandas as pd

OURS = ("headstart", "headstart baselines", "tabpfn")
"""What this file fits; a name may have a preset after it, as in 'headstart fast'."""


def work(job: dict[str, Any], train: pd.DataFrame, test: pd.DataFrame) -> dict[str, Any]:
    """Fit as a user does, in a cache that has the weights and nothing else, and predict from the bundle."""
    import headstart
    from headstart import pipeline  # noqa: F401  (imported before the clock starts)

    target = job["target"]
    with own_cache():
        watch = Stopwatch()
        fitted = headstart.fit(
            train, input="all", target=target, task=job["task"], seed=job["seed"], progress=None, **options_of(job)
        )
        watch.lap("train")
        rows = test.drop(columns=target)
        is_number = job["task"] == "regression"
        scores = np.asarray(fitted.predict(rows) if is_number else fitted.predict_proba(rows), float)
        watch.lap("predict")
    classes = None if is_number else [str(label) for label in fitted.model.labels]
    return {"scores": scores.tolist(), "classes": classes, **watch.seconds, "deployed": fitted.to_dict()["deployed"]}


@contextmanager
def own_cache() -> Iterator[None]:
    """A temporary cache as this process's; the next job's links to the weights of the cache that was there before, not of this one."""
    before = os.environ.get("HEADSTART_CACHE")
    with temporary_cache() as cache:
        os.environ["HEADSTART_CACHE"] = str(cache)
        try:
            yield
        finally:
            del os.environ["HEADSTART_CACHE"]
            if before is not None:
                os.environ["HEADSTART_CACHE"] = before


def options_of(job: dict[str, Any]) -> dict[str, Any]:
    """The options of `headstart.fit` that a name stands for."""
    peer = job["peer"]
    kind = next(name for name in sorted(OURS, key=len, reverse=True) if peer.startswith(name))
    preset = peer.removeprefix(kind).strip()
    options: dict[str, Any] = {"preset": preset} if preset else {}
    if job.get("budget_s"):
        options["budget_s"] = job["budget_s"]
    if kind == "headstart baselines":
        options["source"] = "none"
    if kind == "tabpfn":
        options |= {"source": "tabpfn-v1", "baselines": "none"}
    return options
