"""Export a predictor, network and head, as one ONNX graph, and measure how far it is from the fitted object."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from headstart.core.errors import InternalError, require
from headstart.core.model import PretrainedNetwork
from headstart.evaluation.mixed import MixedNetwork

if TYPE_CHECKING:
    from collections.abc import Sequence

    from headstart.core.dataset import FloatArray
    from headstart.core.model import Predictor

TOLERANCE = 1e-4
"""Of 1, or of the output itself where that is larger (a price of 10,000 has no fourth decimal in float32)."""


def export(predictor: Predictor, *, n_outputs: int) -> bytes:
    """Write the graph: inputs as `predictor.network.input` prepares them, `outputs` (batch, k), `features` (batch, d).

    The same predictor gives the same bytes. `features` are those of the pretrained networks, where there are any.

    Raises
    ------
    MissingExtraError
        onnx is not installed.
    """
    require("onnx", extra="train", purpose="packing a model")
    from headstart.onnx_graph.builder import GraphBuilder

    graph = GraphBuilder()
    network = predictor.network
    features: str | None
    if isinstance(network, MixedNetwork):
        features, values = network.encode_apart(graph)
    else:
        values = network.encode(graph)
        features = values if isinstance(network, PretrainedNetwork) else None
    outputs = predictor.head.extend(graph, values)
    graph.output(outputs, "outputs", "float32", ["batch", n_outputs])
    if features is not None:
        assert isinstance(network, PretrainedNetwork | MixedNetwork)
        graph.output(features, "features", "float32", ["batch", network.dimensions])
    packed: bytes = graph.model().SerializeToString(deterministic=True)
    return packed


def largest_difference(found: FloatArray, expected: FloatArray) -> float:
    """How far two arrays of one shape are from each other: of 1, or of what was expected where that is larger."""
    return float((np.abs(found - expected) / np.maximum(1.0, np.abs(expected))).max(initial=0.0))


def check_equal(model: bytes, predictor: Predictor, items: Sequence[Any]) -> float:
    """Run the packed graph on real items and return its largest difference from the fitted predictor.

    Raises
    ------
    InternalError
        The difference is above `TOLERANCE`, or an output is not a finite number.
    """
    from headstart.packaging.session import open_bundle_session

    batch = predictor.network.input.transform(items)
    packed = open_bundle_session(model, trust_graphs=True).run(["outputs"], batch)[0].astype(np.float64)
    fitted = np.asarray(predictor.predict(items), dtype=np.float64)
    if packed.shape != fitted.shape or not np.isfinite(packed).all():
        raise InternalError(
            f"the packed '{predictor.name}' gives outputs of shape {packed.shape}, all finite: {np.isfinite(packed).all()}; "
            f"the fitted one has shape {fitted.shape}. Nothing was written."
        )
    difference = largest_difference(packed, fitted)
    if difference > TOLERANCE:
        raise InternalError(
            f"the packed '{predictor.name}' differs from the fitted one by {difference:.2g} on {len(items)} real items; "
            f"at most {TOLERANCE} is allowed. Nothing was written."
        )
    return difference
