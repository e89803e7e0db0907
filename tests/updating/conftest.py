"""Two models of one table, the second trained on labels that are partly turned around, and more records of it."""

import numpy as np
import pytest
from stores import mlflow, mlflow_server, postgres, remote, stores  # noqa: F401  fixtures

from headstart import fit


def table(n, seed, turned=0.0):
    rng = np.random.default_rng(seed)
    a, b = rng.normal(size=(2, n))
    c = rng.choice(["x", "y", "z"], n)
    is_yes = a + 0.5 * b + (c == "x") + rng.normal(0, 0.7, n) > 0
    is_yes ^= rng.random(n) < turned * (a > 0)
    return {"a": a.tolist(), "b": b.tolist(), "c": c.tolist(), "label": np.where(is_yes, "yes", "no").tolist()}


@pytest.fixture(scope="session")
def models(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    for name, turned in (("good", 0.0), ("bad", 0.4)):
        settings = {"source": "none", "preset": "fast", "tune": "none", "baselines": "simple", "progress": None}
        fit(table(200, 0, turned), target="label", out=folder / name, **settings)
    return folder


@pytest.fixture
def make_table():
    return table
