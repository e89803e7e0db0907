"""Static int8: convolutions in 8-bit integers, the range of each value known beforehand from items of the learning part."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from headstart.compression.graphs import head_nodes, read_graph, weights, write_graph
from headstart.compression.method import Place, Unsuited, Variant

if TYPE_CHECKING:
    from collections.abc import Iterator

    from headstart.compression.method import Lessons
    from headstart.packaging.packed import Packed

_N_ITEMS = 128
_OPERATORS = ["Add", "AveragePool", "Clip", "Conv", "GlobalAveragePool", "MaxPool", "Relu"]


@dataclass(frozen=True)
class StaticInt8:
    """For convolutional networks; kernels have a scale for each output, the preprocessing and the head stay in float."""

    name: ClassVar[str] = "static-int8"
    place: ClassVar[Place] = "arithmetic"

    def variants(self, packed: Packed, lessons: Lessons) -> Iterator[Variant]:
        """Calibrate on learning items, then quantise."""
        from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static

        model = read_graph(packed.graph)
        if not any(operator == "Conv" for _, operator in weights(model)):
            raise Unsuited("it has no convolutions in floating point")

        class Batches(CalibrationDataReader):  # type: ignore[misc]
            """Items one at a time, as the library asks for them."""

            def __init__(self) -> None:
                self.batches = (packed.input.prepare([item]) for item in lessons.some(_N_ITEMS))

            def get_next(self) -> dict[str, Any] | None:
                return next(self.batches, None)

        with tempfile.TemporaryDirectory(prefix="headstart-") as folder:
            before, after = Path(folder) / "before.onnx", Path(folder) / "after.onnx"
            before.write_bytes(write_graph(model))
            quantize_static(
                before,
                after,
                Batches(),
                quant_format=QuantFormat.QDQ,
                op_types_to_quantize=_OPERATORS,
                per_channel=True,
                activation_type=QuantType.QUInt8,
                weight_type=QuantType.QInt8,
                nodes_to_exclude=head_nodes(model),
                extra_options={"CalibMovingAverage": True},
            )
            graph = after.read_bytes()
        yield Variant(name=self.name, packed=replace(packed, graph=graph))
