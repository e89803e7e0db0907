"""The published checks of every compression method, and how near to the original the built-in ones keep."""

import pytest

from headstart.compression.measuring import predict
from headstart.core.registry import get
from headstart.testing import checks_of
from headstart.testing.compression_methods import CompressionChecks, case

SUITED = {
    "convolutions": {"fp16", "feature-pruning", "static-int8", "weight-only"},
    "products": {"dynamic-int8", "four-bit", "fp16", "weight-only"},
    "table": {"fp16", "feature-pruning", "weight-only"},
}
BUILT_IN = sorted(set.union(*SUITED.values()) | {"distil"})


@pytest.mark.parametrize("check", checks_of("compression_methods"), ids=str)
def test_every_compression(check):
    check()


@pytest.mark.parametrize("name", BUILT_IN)
@pytest.mark.parametrize("kind", SUITED)
def test_a_built_in_method_suits_the_networks_that_it_should_and_keeps_near(name, kind):
    found = CompressionChecks(name, get("compression_methods", name)(), kind)
    assert bool(found.made) == (name in SUITED[kind]), found.found
    original, dataset, before = case(kind)
    for variant in found.made:
        assert variant.packed.size_mib < original.size_mib * (1 if name != "static-int8" else 1.3)
        after = predict(variant.packed, dataset.items)["outputs"]
        agreement = (after.argmax(axis=1) == before.argmax(axis=1)).mean()
        assert agreement >= (0.85 if name == "feature-pruning" else 0.97), variant.name
