"""Real networks on real data: integer arithmetic answers as single precision does, and a small source learns from a large one."""

from __future__ import annotations

import numpy as np
import pytest

import headstart
from headstart.data import load

pytestmark = pytest.mark.downloads


@pytest.fixture(scope="module")
def photos(real_data, fetched_cache, tmp_path_factory):
    """Three kinds of fruit: a bundle on Lite0, and its data."""
    shelves = real_data("groceries")
    kinds = sorted(path.name for path in (shelves / "train").iterdir())[:3]
    paths = [path for kind in kinds for path in sorted((shelves / "train" / kind).iterdir())[:40]]
    data = paths, [path.parent.name for path in paths]
    out = tmp_path_factory.mktemp("photos") / "model"
    arguments = {"source": "efficientnet-lite0", "head": "ridge", "tune": "none", "baselines": "none", "progress": None}
    return headstart.fit(data, out=out, **arguments).bundle, data


@pytest.fixture(scope="module")
def questions(real_data, fetched_cache, tmp_path_factory):
    """A few hundred questions: a bundle on MiniLM, and its data."""
    dataset = load(real_data("questions"))
    data = list(dataset.items[:300]), [dataset.labels[code] for code in dataset.codes[:300]]
    out = tmp_path_factory.mktemp("questions") / "model"
    arguments = {"source": "all-minilm-l6-v2", "head": "ridge", "tune": "none", "baselines": "none", "progress": None}
    return headstart.fit(data, out=out, **arguments).bundle, data


def test_convolutions_in_integers_answer_as_before(photos, tmp_path):
    bundle, (paths, labels) = photos
    arguments = {"target_mib": 4, "tolerance": 0.2, "methods": ["static-int8"], "progress": None}
    compressed = headstart.compress(bundle, (paths, labels), out=tmp_path / "small", **arguments)
    assert compressed.bundle is not None, compressed.sentence
    before, after = headstart.load_bundle(bundle), headstart.load_bundle(compressed.bundle)
    assert len(after.graph) < 0.3 * len(before.graph)
    assert np.mean(np.array(after.predict(paths)) == np.array(before.predict(paths))) > 0.9


def test_products_in_integers_and_in_four_bits_answer_as_before(questions, tmp_path):
    bundle, (texts, labels) = questions
    before = np.array(headstart.load_bundle(bundle).predict(texts))
    for method, target_mib in (("dynamic-int8", 60), ("four-bit", 25)):
        arguments = {"target_mib": target_mib, "tolerance": 0.3, "methods": [method], "progress": None}
        compressed = headstart.compress(bundle, (texts, labels), out=tmp_path / method, **arguments)
        assert compressed.bundle is not None, compressed.sentence
        after = np.array(headstart.load_bundle(compressed.bundle).predict(texts))
        assert np.mean(after == before) > 0.9


def test_a_small_source_learns_from_a_large_one(questions, tmp_path):
    bundle, (texts, labels) = questions
    arguments = {"target_mib": 30, "tolerance": 0.6, "methods": ["distil"], "progress": None}
    compressed = headstart.compress(bundle, (texts, labels), out=tmp_path / "small", **arguments)
    assert {trial.name for trial in compressed.trials} >= {"distil into potion-base-8m", "distil into wordllama-256"}
    assert compressed.bundle is not None, compressed.sentence
    model = headstart.load_bundle(compressed.bundle)
    assert model.manifest["source"] in ("potion-base-8m", "wordllama-256")
    assert model.report.package.card["name"] == model.manifest["source"]
    assert np.mean(np.array(model.predict(texts)) == labels) > 0.5
