"""Feature pruning: drop the features that the head hardly uses, with the weights that compute them, and refit the head.

The rest of the network does not change, so this works for networks that end in a convolution or a table of vectors, where each
feature has its own kernel or column. Features are ranked by their effect on the scores: the norm of a feature's row in a ridge
head, times the feature's standard deviation.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from headstart.compression.graphs import (
    FEATURES,
    OUTPUTS,
    maker,
    put_constant,
    read_graph,
    readers,
)
from headstart.compression.measuring import predict
from headstart.compression.method import NotApplicable, Place, Variant
from headstart.heads import adapt
from headstart.heads.problem import Problem
from headstart.heads.ridge import moments_of
from headstart.heads.transforms import get_transform
from headstart.onnx_graph.builder import GraphBuilder
from headstart.onnx_graph.editing import cut

if TYPE_CHECKING:
    from collections.abc import Iterator

    import onnx

    from headstart.compression.method import CalibrationSet
    from headstart.core.dataset import FloatArray, IntArray
    from headstart.heads import Adapted
    from headstart.packaging.packed import Packed

_SHARES = (0.5, 0.25)
_BY_FEATURE = ("Cast", "Clip", "Div", "Flatten", "GlobalAveragePool", "Identity", "Relu", "Squeeze")
_MIN_FEATURES = 8


@dataclass(frozen=True)
class FeaturePruning:
    """Keep half, then a quarter of the features."""

    name: ClassVar[str] = "feature-pruning"
    place: ClassVar[Place] = "head"

    def variants(self, packed: Packed, calibration: CalibrationSet) -> Iterator[Variant]:
        """Fit a head on all features, keep the important ones, and refit."""
        model = read_graph(packed.graph)
        axis, names = _weights_of_features(model)
        if len(cut(model, FEATURES)[0].graph.input) < len(model.graph.input):
            raise NotApplicable("it also reads plain features, which a head on the pretrained ones alone would lose")
        features = predict(packed, calibration.dataset.items)[FEATURES]
        importance = _importance(features, _ridge(features, calibration))
        for share in _SHARES:
            n_kept = int(share * len(importance))
            if n_kept < _MIN_FEATURES:
                return
            kept = np.sort(np.argsort(-importance)[:n_kept])
            adapted = _ridge(features[:, kept], calibration)
            graph = _with_head(_sliced(packed, kept, axis, names), adapted, calibration)
            problem = _problem(features[:, kept], calibration)
            moments = moments_of(problem, adapted.head.heads[0].transform).arrays()
            yield Variant(
                name=f"{self.name} {share:g}",
                packed=packed.with_head(adapted.head, moments, graph=graph),
                note=f"{n_kept} of {len(importance)} features",
            )


def _weights_of_features(model: onnx.ModelProto) -> tuple[int, list[str]]:
    """The axis and names of the constants that have one entry per feature."""
    value, node = FEATURES, maker(model, FEATURES)
    while node is not None and (node.op_type in _BY_FEATURE or _is_mean_of_rows(node, model)):
        value = node.input[1] if node.op_type == "MatMul" else node.input[0]
        node = maker(model, value)
    constants = {array.name for array in model.graph.initializer}
    if node is not None and node.op_type == "Conv" and node.input[1] in constants:
        return 0, [name for name in node.input[1:] if name]
    if node is not None and node.op_type == "Gather" and node.input[0] in constants:
        return 1, [node.input[0]]
    raise NotApplicable("its features do not have separate kernels or columns")


def _is_mean_of_rows(node: onnx.NodeProto, model: onnx.ModelProto) -> bool:
    """Whether a product sums vectors over tokens, with the mask as its left factor."""
    left = maker(model, node.input[0])
    return node.op_type == "MatMul" and left is not None and left.op_type == "Unsqueeze"


def _problem(features: FloatArray, calibration: CalibrationSet) -> Problem:
    data = calibration.dataset
    assert data.groups is not None
    return Problem(features=features, targets=data.targets, task=data.task, groups=data.groups, seed=calibration.seed)


def _ridge(features: FloatArray, calibration: CalibrationSet) -> Adapted:
    return adapt(**vars(_problem(features, calibration)), head="ridge")


def _importance(features: FloatArray, adapted: Adapted) -> FloatArray:
    head = adapted.head.heads[0]
    spread = get_transform(head.transform).apply(np.asarray(features, np.float64)).std(axis=0)
    return np.asarray(np.linalg.norm(head.scale[:, None] * head.coef, axis=1) * spread)


def _sliced(packed: Packed, kept: IntArray, axis: int, names: list[str]) -> onnx.ModelProto:
    """The model with the kept features only; its head no longer fits."""
    from onnx import numpy_helper

    model = read_graph(packed.graph)
    for array in [array for array in model.graph.initializer if array.name in names]:
        if len(readers(model, array.name)) > 1:
            raise NotApplicable("the weights of its features are also used elsewhere")
        put_constant(model, array.name, np.take(numpy_helper.to_array(array), kept, axis=axis))
    return model


def _with_head(model: onnx.ModelProto, adapted: Adapted, calibration: CalibrationSet) -> bytes:
    """Attach a head to a network's features."""
    network, arrays = cut(model, FEATURES)
    graph = GraphBuilder()
    feeds = {one.name: graph.input_like(one) for one in network.graph.input}
    features = graph.inline(network.graph, feeds, arrays)
    n_features = len(adapted.head.heads[0].centre)
    graph.output(
        adapted.head.extend(graph, features), OUTPUTS, "float32", ["batch", calibration.dataset.targets.shape[1]]
    )
    graph.output(features, FEATURES, "float32", ["batch", n_features])
    packed: bytes = graph.model().SerializeToString(deterministic=True)
    return packed
