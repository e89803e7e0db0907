"""Static int8: convolutions in 8-bit integers, with ranges calibrated on calibration items."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from headstart.compression.graphs import head_nodes, put_constant, read_graph, weights, write_graph
from headstart.compression.method import NotApplicable, Place, Variant
from headstart.compression.quantising import on_files

if TYPE_CHECKING:
    from collections.abc import Iterator

    import onnx

    from headstart.compression.method import CalibrationSet
    from headstart.packaging.packed import Packed

_INT8 = 3  # ONNX's number
_N_ITEMS = 128
_OPERATORS = ["Add", "AveragePool", "Clip", "Conv", "GlobalAveragePool", "MaxPool", "Relu"]


@dataclass(frozen=True)
class StaticInt8:
    """For convolutional networks: one scale per output channel; preprocessing and head stay in floating point."""

    name: ClassVar[str] = "static-int8"
    place: ClassVar[Place] = "arithmetic"

    def variants(self, packed: Packed, calibration: CalibrationSet) -> Iterator[Variant]:
        """Calibrate on some items, then quantize."""
        from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static

        model = read_graph(packed.graph)
        if not any(operator == "Conv" for _, operator in weights(model)):
            raise NotApplicable("it has no floating-point convolutions")

        class Batches(CalibrationDataReader):  # type: ignore[misc]
            """Items one at a time, as the library requires."""

            def __init__(self) -> None:
                self.batches = (packed.input.transform([item]) for item in calibration.sample(_N_ITEMS))

            def get_next(self) -> dict[str, Any] | None:
                return next(self.batches, None)

        quantise = partial(
            quantize_static,
            calibration_data_reader=Batches(),
            quant_format=QuantFormat.QDQ,
            op_types_to_quantize=_OPERATORS,
            per_channel=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            nodes_to_exclude=head_nodes(model),
            extra_options={"CalibMovingAverage": True},
        )
        quantised = _unsigned(read_graph(on_files(quantise, model)))
        yield Variant(name=self.name, packed=replace(packed, graph=write_graph(quantised)))


def _unsigned(model: onnx.ModelProto) -> onnx.ModelProto:
    """Shift signed weights and their zero points by 128: the same values, which do not saturate on a CPU without VNNI.

    Such a CPU adds products of unsigned and signed bytes in pairs in 16 bits, but not products of unsigned bytes. The library's
    own unsigned weights have different zero points by kernel, for which ONNX Runtime has no integer convolution.
    """
    from onnx import numpy_helper

    signed = {array.name: array for array in model.graph.initializer if array.data_type == _INT8}
    weights_and_zeros = {
        name
        for node in model.graph.node
        if node.op_type == "DequantizeLinear" and node.input[0] in signed
        for name in (node.input[0], node.input[2])
    }
    for name in weights_and_zeros:
        shifted = numpy_helper.to_array(signed[name]).astype(np.int16) + 128
        put_constant(model, name, shifted.astype(np.uint8))
    return model
