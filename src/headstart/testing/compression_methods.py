"""What every compression method promises: `headstart.compression.method.CompressionMethod`."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache, cached_property
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from headstart.compression.measuring import predict
from headstart.compression.method import PLACES, CalibrationSet, NotApplicable
from headstart.data import load
from headstart.engines.context import RunContext
from headstart.packaging.packed import unpack
from headstart.testing.checks import empty_folder, expect, expect_close, expect_equal
from headstart.testing.small_bundles import KINDS, make_bundle, make_items

if TYPE_CHECKING:
    from headstart.compression.method import CompressionMethod, Variant
    from headstart.core.arrays import FloatArray
    from headstart.core.dataset import Dataset
    from headstart.packaging.packed import Packed
    from headstart.testing.checks import Subject

_LARGEST = 1.3  # of the original: numbers of so small a network may take less room than what says how to read them
_LEAST_AGREEMENT = 0.85


def cases(subject: Subject) -> dict[str, CompressionChecks]:
    """One case for each kind of small network."""
    return {kind: CompressionChecks(subject.name, subject.part(), kind) for kind in KINDS}


class Case(NamedTuple):
    """A bundle, its data, and what it answers."""

    original: Packed
    dataset: Dataset
    outputs: FloatArray


@cache
def case(kind: str) -> Case:
    """A small bundle of a kind of network, taken out to be changed."""
    with empty_folder() as folder:
        original = unpack(make_bundle(kind, folder / kind))
    data = load(make_items(kind))
    return Case(original, replace(data, groups=np.arange(len(data))), predict(original, data.items)["outputs"])


@dataclass(frozen=True)
class CompressionChecks:
    """A method on one kind of network."""

    name: str
    method: CompressionMethod
    kind: str

    def check_has_its_registered_name(self) -> None:
        """It has the name under which it is registered, and says what it changes."""
        expect_equal(self.method.name, self.name, "its name")
        expect(self.method.place in PLACES, f"Expected a place among {PLACES}, got '{self.method.place}'.")

    def check_makes_models_or_says_why_not(self) -> None:
        """It makes at least one model, or raises `NotApplicable` with a reason."""
        expect(self.found, "Expected a model or a reason, got neither.")

    def check_is_smaller_and_the_original_is_left_alone(self) -> None:
        """What it makes is no larger than the original, or little, and the original is left alone."""
        original = case(self.kind).original
        before = original.graph
        for variant in self.made:
            ratio = variant.packed.size_mib / original.size_mib
            expect(ratio < _LARGEST, f"Expected less than {_LARGEST} of the size, got {ratio:.2f} of '{variant.name}'.")
        expect(original.graph == before, "Expected the graph of the original as it was, got another.")

    def check_answers_nearly_as_before(self) -> None:
        """What it makes answers nearly as the original does, with probabilities that sum to 1."""
        before = case(self.kind).outputs
        for variant in self.made:
            after = predict(variant.packed, case(self.kind).dataset.items)["outputs"]
            expect_equal(after.shape, before.shape, "the shape of the outputs")
            expect_close(after.sum(axis=1), np.ones(len(after)), "the sums of an item's outputs", atol=1e-5)
            share = (after.argmax(axis=1) == before.argmax(axis=1)).mean()
            message = f"Expected at least {_LEAST_AGREEMENT:.0%} of the answers as before, got {share:.0%} of '{variant.name}'."
            expect(share >= _LEAST_AGREEMENT, message)

    def check_is_deterministic(self) -> None:
        """The same bundle and data give the same model, to the last bit."""
        again = self._variants()
        expect_equal(isinstance(again, str), isinstance(self.found, str), "whether there was nothing to do")
        for one, other in zip(self.made, again if isinstance(again, list) else [], strict=True):
            expect_equal(other.name, one.name, "the name of a model")
            expect(one.packed.graph == other.packed.graph, f"Expected the same graph of '{one.name}', got another.")

    @property
    def made(self) -> list[Variant]:
        """The models; none where there was nothing to do."""
        return [] if isinstance(self.found, str) else self.found

    @cached_property
    def found(self) -> list[Variant] | str:
        """The models, or the reason why there are none."""
        return self._variants()

    def _variants(self) -> list[Variant] | str:
        try:
            return list(
                self.method.variants(
                    case(self.kind).original, CalibrationSet(dataset=case(self.kind).dataset, context=RunContext())
                )
            )
        except NotApplicable as reason:
            return str(reason)
