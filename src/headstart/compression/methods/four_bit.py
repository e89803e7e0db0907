"""Four-bit: matrices in blocks of 32 four-bit numbers, each block with a scale and a zero point; tables in 8 bits.

Frantar et al., GPTQ, arXiv:2210.17323, section 4, call this round-to-nearest with groups. ONNX Runtime multiplies with such
matrices directly (operator MatMulNBits), so they stay small in memory too.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from headstart.compression.graphs import fold_casts, put_constant, read_graph, readers, values_of, weights, write_graph
from headstart.compression.method import NotApplicable, Place, Variant
from headstart.compression.storing import int8_of, store

if TYPE_CHECKING:
    from collections.abc import Iterator

    import onnx
    from numpy.typing import NDArray

    from headstart.compression.method import CalibrationSet
    from headstart.packaging.packed import Packed

_BLOCK = 32
_LEVELS = 15
_INT8_ARITHMETIC = 4  # MatMulNBits' "accuracy level": the other factor is rounded to 8 bits, block by block


@dataclass(frozen=True)
class FourBit:
    """Matrices of an eighth of the size; the other factor is rounded to 8 bits."""

    name: ClassVar[str] = "four-bit"
    place: ClassVar[Place] = "arithmetic"

    def variants(self, packed: Packed, calibration: CalibrationSet) -> Iterator[Variant]:  # noqa: ARG002
        """Replace all products with weight matrices."""
        model = fold_casts(read_graph(packed.graph))
        found = list(weights(model))
        matrices = [array for array, operator in found if operator == "MatMul" and len(array.dims) == 2]
        if not matrices:
            raise NotApplicable("it has no matrix products with floating-point weights")
        for table in [array for array, operator in found if operator == "Gather"]:
            store(model, table, *int8_of(values_of(table), axis=0))
        for array in matrices:
            _replace_products(model, array)
        opset = model.opset_import.add()
        opset.domain, opset.version = "com.microsoft", 1
        yield Variant(name=self.name, packed=replace(packed, graph=write_graph(model)))


def pack(matrix: NDArray[np.float32]) -> tuple[NDArray[np.uint8], NDArray[np.float32], NDArray[np.uint8]]:
    """Round (inputs, outputs) to four bits: numbers (outputs, blocks, 16), scales and zero points of each block.

    Two numbers share a byte, the first in its low half; so do the zero points of two blocks.
    """
    n_in, n_out = matrix.shape
    n_blocks = -(-n_in // _BLOCK)
    padded = np.zeros((n_out, n_blocks * _BLOCK), np.float32)
    padded[:, :n_in] = matrix.T
    blocks = padded.reshape(n_out, n_blocks, _BLOCK)
    low, high = np.minimum(blocks.min(axis=2), 0), np.maximum(blocks.max(axis=2), 0)  # zero stays zero
    scale = np.where(high > low, (high - low) / _LEVELS, 1.0).astype(np.float32)
    zero = np.rint(-low / scale)
    numbers = np.clip(np.rint(blocks / scale[..., None]) + zero[..., None], 0, _LEVELS).astype(np.uint8)
    zeros = np.zeros((n_out, n_blocks + n_blocks % 2), np.uint8)
    zeros[:, :n_blocks] = zero
    return _paired(numbers), scale, _paired(zeros)


def _paired(numbers: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.bitwise_or(numbers[..., ::2], np.left_shift(numbers[..., 1::2], 4), dtype=np.uint8)


def _replace_products(model: onnx.ModelProto, array: onnx.TensorProto) -> None:
    from onnx import helper

    name = array.name
    n_in, n_out = array.dims
    numbers, scales, zeros = pack(values_of(array))
    parts: dict[str, NDArray[np.generic]] = {"numbers": numbers, "scales": scales, "zeros": zeros}
    stored = [put_constant(model, f"{name}/{part}", values) for part, values in parts.items()]
    for node in readers(model, name):
        product = helper.make_node(
            "MatMulNBits",
            [node.input[0], *stored],
            list(node.output),
            name=node.name,
            domain="com.microsoft",
            K=n_in,
            N=n_out,
            bits=4,
            block_size=_BLOCK,
            accuracy_level=_INT8_ARITHMETIC,
        )
        node.CopyFrom(product)
