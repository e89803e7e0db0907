"""fp16: weights are stored in half precision; computation stays in single precision, which is fastest on a CPU."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from headstart.compression.graphs import read_graph, values_of, weights, write_graph
from headstart.compression.method import NotApplicable, Place, Variant
from headstart.compression.storing import store
from headstart.onnx_graph.builder import FLOAT32

if TYPE_CHECKING:
    from collections.abc import Iterator

    from headstart.compression.method import CalibrationSet
    from headstart.packaging.packed import Packed

_MAX_FLOAT16 = float(np.finfo(np.float16).max)


@dataclass(frozen=True)
class Half:
    """Half the size at the same speed; weights change by about 1 in 2,000."""

    name: ClassVar[str] = "fp16"
    place: ClassVar[Place] = "storage"

    def variants(self, packed: Packed, calibration: CalibrationSet) -> Iterator[Variant]:  # noqa: ARG002
        """Store every weight that fits into half precision."""
        model = read_graph(packed.graph)
        singles = [array for array, _ in weights(model) if array.data_type == FLOAT32]
        kept = [array for array in singles if np.abs(values_of(array)).max() <= _MAX_FLOAT16]
        if not kept:
            raise NotApplicable("it has no weights in single precision")
        for array in kept:
            store(model, array, values_of(array).astype(np.float16), None)
        yield Variant(name=self.name, packed=replace(packed, graph=write_graph(model)))
