"""What every method promises, on a network of convolutions, one of products, and a table of vectors."""

from __future__ import annotations

import numpy as np
import pytest
from small_models import KINDS, make_items

from headstart.compression.measuring import predict
from headstart.compression.method import PLACES, CalibrationSet, NotApplicable
from headstart.core.registry import get, names
from headstart.data import load
from headstart.packaging.packed import unpack

SUITED = {
    "convolutions": {"fp16", "feature-pruning", "static-int8", "weight-only"},
    "products": {"dynamic-int8", "four-bit", "fp16", "weight-only"},
    "table": {"fp16", "feature-pruning", "weight-only"},
}


@pytest.fixture(scope="module")
def cases(bundles):
    """For each kind: the original, its calibration set and items, and every variant of every method by name; None if not applicable."""
    return {kind: case(bundles[kind], kind) for kind in KINDS}


def case(bundle, kind):
    original = unpack(bundle)
    dataset = load(make_items(kind))
    calibration = CalibrationSet(
        dataset=dataset.__class__(**{**vars(dataset), "groups": np.arange(len(dataset))}), seed=0
    )
    made = {}
    for name in names("compression_methods"):
        try:
            made[name] = list(get("compression_methods", name)().variants(original, calibration))
        except NotApplicable as reason:
            made[name] = str(reason)
    return original, dataset, made


@pytest.mark.parametrize("name", names("compression_methods"))
@pytest.mark.parametrize("kind", KINDS)
class TestEveryCompression:
    def test_it_is_registered_under_its_name_and_says_what_it_changes(self, name, kind):
        method = get("compression_methods", name)()
        assert method.name == name
        assert method.place in PLACES

    def test_it_suits_the_networks_that_it_should_and_says_why_not(self, name, kind, cases):
        made = cases[kind][2][name]
        assert isinstance(made, list) == (name in SUITED[kind]), made
        assert made

    def test_the_model_is_smaller_and_the_original_is_left_alone(self, name, kind, cases, bundles):
        original, _, made = cases[kind]
        assert unpack(bundles[kind]).graph == original.graph
        for variant in variants(made[name]):
            assert variant.packed.size_mib < original.size_mib * (1 if name != "static-int8" else 1.3)

    def test_it_answers_nearly_as_before(self, name, kind, cases):
        original, dataset, made = cases[kind]
        before = predict(original, dataset.items)["outputs"]
        for variant in variants(made[name]):
            after = predict(variant.packed, dataset.items)["outputs"]
            assert after.shape == before.shape
            np.testing.assert_allclose(after.sum(axis=1), 1, atol=1e-5)
            agreement = (after.argmax(axis=1) == before.argmax(axis=1)).mean()
            assert agreement >= (0.85 if name == "feature-pruning" else 0.97), variant.name

    def test_the_same_model_comes_out_twice(self, name, kind, cases, bundles):
        _, _, made = cases[kind]
        again = case(bundles[kind], kind)[2][name] if name in ("fp16", "feature-pruning") else made[name]
        for one, other in zip(variants(made[name]), variants(again), strict=True):
            assert one.packed.graph == other.packed.graph


def variants(made):
    return made if isinstance(made, list) else []
