"""Dynamic int8: products of matrices in 8-bit integers, each input's range taken from itself as it comes."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from headstart.compression.graphs import fold_casts, head_nodes, read_graph, weights, write_graph
from headstart.compression.method import Place, Unsuited, Variant

if TYPE_CHECKING:
    from collections.abc import Iterator

    from headstart.compression.method import Lessons
    from headstart.packaging.packed import Packed


@dataclass(frozen=True)
class DynamicInt8:
    """For networks of matrix products, as transformers are; weights have a scale for each output, the head stays in float."""

    name: ClassVar[str] = "dynamic-int8"
    place: ClassVar[Place] = "arithmetic"

    def variants(self, packed: Packed, lessons: Lessons) -> Iterator[Variant]:  # noqa: ARG002
        """Quantise every product with a matrix of weights."""
        from onnxruntime.quantization import QuantType, quantize_dynamic

        model = fold_casts(read_graph(packed.graph))
        if not any(operator == "MatMul" for _, operator in weights(model)):
            raise Unsuited("it has no matrix products with weights in floating point")
        with tempfile.TemporaryDirectory(prefix="headstart-") as folder:
            before, after = Path(folder) / "before.onnx", Path(folder) / "after.onnx"
            before.write_bytes(write_graph(model))
            quantize_dynamic(
                before,
                after,
                op_types_to_quantize=["MatMul"],
                per_channel=True,
                weight_type=QuantType.QUInt8,  # signed ones saturate in 16 bits on a CPU without VNNI
                nodes_to_exclude=head_nodes(model),
                extra_options={"MatMulConstBOnly": True},
            )
            graph = after.read_bytes()
        yield Variant(name=self.name, packed=replace(packed, graph=graph))
