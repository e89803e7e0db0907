"""Weight-only: weights are stored in 8 bits with a scale per row, column or kernel; computation stays in floating point."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar

from headstart.compression.graphs import read_graph, values_of, weights, write_graph
from headstart.compression.method import NotApplicable, Place, Variant
from headstart.compression.storing import int8_of, store

if TYPE_CHECKING:
    from collections.abc import Iterator

    from headstart.compression.method import CalibrationSet
    from headstart.packaging.packed import Packed

AXES = {"Conv": 0, "ConvTranspose": 1, "Gather": 0, "MatMul": -1}
"""The axis of the scales by operator: the outputs of a product or convolution, the rows of a table."""


@dataclass(frozen=True)
class WeightOnly:
    """A quarter of the size at the same speed."""

    name: ClassVar[str] = "weight-only"
    place: ClassVar[Place] = "storage"

    def variants(self, packed: Packed, calibration: CalibrationSet) -> Iterator[Variant]:  # noqa: ARG002
        """Store tables, kernels and matrices in 8 bits."""
        model = read_graph(packed.graph)
        found = [(array, AXES[operator]) for array, operator in weights(model) if operator in AXES]
        if not found:
            raise NotApplicable("it has no floating-point table, kernel or matrix")
        for array, axis in found:
            stored, scale = int8_of(values_of(array), axis % len(array.dims))
            store(model, array, stored, scale)
        yield Variant(name=self.name, packed=replace(packed, graph=write_graph(model)))
