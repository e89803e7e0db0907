"""Numbers and texts are judged as tables with labels are."""

import numpy as np
import pytest

from headstart import fit, load_bundle, update
from headstart.updating.judging import error_scale, load_records, losses_of
from headstart.updating.opening import create_registry

SETTINGS = {"source": "none", "preset": "fast", "tune": "none", "baselines": "simple", "progress": None}


def numbers(n, seed, sign=1.0):
    x = np.random.default_rng(seed).normal(size=(2, n))
    return {"a": x[0].tolist(), "b": x[1].tolist(), "y": (sign * 3 * x[0] + x[1] + 10).tolist()}


def texts(n, seed, *, is_turned=False):
    rng = np.random.default_rng(seed)
    words = {"pay": ["refund", "invoice", "charged", "card"], "post": ["parcel", "box", "courier", "letter"]}
    labels = rng.choice(["pay", "post"], n).tolist()
    other = {"pay": "post", "post": "pay"}
    said = [other[label] if is_turned else label for label in labels]
    rows = [f"{rng.choice(words[label])} {rng.choice(words[label])} order {i} {seed}" for i, label in enumerate(said)]
    return {"text": rows, "label": labels}


def test_errors_of_values_are_counted_in_units_of_what_is_usual(tmp_path):
    fit(numbers(150, 1), target="y", out=tmp_path / "model", **SETTINGS)
    bundle = load_bundle(tmp_path / "model")
    records = load_records(bundle, numbers(90, 2, sign=-1.0), target="y")
    scale = error_scale(bundle, records)
    losses = losses_of(bundle, records, scale=scale)
    assert np.median(losses) == pytest.approx(0.25)
    assert 0 <= losses.min() <= losses.max() <= 1
    create_registry(tmp_path / "registry", tmp_path / "model")
    done = update(tmp_path / "registry", numbers(300, 3, sign=-1.0), target="y", challengers="residual,window")
    assert done.decision == "promoted"


def test_texts(tmp_path):
    fit(texts(80, 1), out=tmp_path / "model", **SETTINGS)
    create_registry(tmp_path / "registry", tmp_path / "model")
    done = update(tmp_path / "registry", texts(200, 2, is_turned=True), challengers="recalibrate,window")
    assert [one.error for one in done.tried] == ["", ""]
    assert done.decision == "promoted"


def test_equal_records_of_a_file_have_keys_of_their_own_that_stay(tmp_path):
    fit(texts(80, 1), out=tmp_path / "model", **SETTINGS)
    bundle = load_bundle(tmp_path / "model")
    rows = {"text": ["parcel", "parcel", "invoice"], "label": ["post", "post", "pay"]}
    keys = load_records(bundle, rows).keys
    assert len(set(keys)) == 3
    assert load_records(bundle, rows).keys == keys


def test_records_are_in_the_order_of_their_time(tmp_path):
    fit(texts(80, 1), out=tmp_path / "model", **SETTINGS)
    rows = {"text": ["parcel", "invoice"], "label": ["post", "pay"], "day": ["2026-02-01", "2026-01-01"]}
    records = load_records(load_bundle(tmp_path / "model"), rows, input="text", target="label", time="day")
    assert list(records.dataset.items) == ["invoice", "parcel"]
