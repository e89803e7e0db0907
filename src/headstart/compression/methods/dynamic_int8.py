"""Dynamic int8: matrix products in 8-bit integers, with the range of each input computed at run time."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, ClassVar

from headstart.compression.graphs import fold_casts, head_nodes, read_graph, weights
from headstart.compression.method import NotApplicable, Place, Variant
from headstart.compression.quantising import on_files

if TYPE_CHECKING:
    from collections.abc import Iterator

    from headstart.compression.method import CalibrationSet
    from headstart.packaging.packed import Packed


@dataclass(frozen=True)
class DynamicInt8:
    """For transformers: one weight scale per output; the head stays in floating point."""

    name: ClassVar[str] = "dynamic-int8"
    place: ClassVar[Place] = "arithmetic"

    def variants(self, packed: Packed, calibration: CalibrationSet) -> Iterator[Variant]:  # noqa: ARG002
        """Quantize all products with weight matrices."""
        from onnx import TensorProto
        from onnxruntime.quantization import QuantType, quantize_dynamic

        model = fold_casts(read_graph(packed.graph))
        if not any(operator == "MatMul" for _, operator in weights(model)):
            raise NotApplicable("it has no matrix products with floating-point weights")
        quantise = partial(
            quantize_dynamic,
            op_types_to_quantize=["MatMul"],
            per_channel=True,
            weight_type=QuantType.QUInt8,  # signed ones saturate in 16 bits on a CPU without VNNI
            nodes_to_exclude=head_nodes(model),
            # where the type of a value cannot be inferred, as beside trees: products are of floats
            extra_options={"MatMulConstBOnly": True, "DefaultTensorType": TensorProto.FLOAT},
        )
        graph = on_files(quantise, model)
        yield Variant(name=self.name, packed=replace(packed, graph=graph))
