"""Open a bundle's graph, once it has been looked into."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headstart.core.errors import BundleError, DataError, first_line
from headstart.onnx_graph.session import open_session, runtime_errors
from headstart.onnx_graph.vetting import RefusedGraphError, vet
from headstart.packaging.bundle_parts import check_rows

if TYPE_CHECKING:
    import onnxruntime

    from headstart.core.dataset import FloatArray
    from headstart.core.model import Batch


def open_bundle_session(
    model: bytes, *, threads: int | None = None, spin: bool = True, trust_graphs: bool | None = None
) -> onnxruntime.InferenceSession:
    """Open the graph of a bundle.

    Parameters
    ----------
    model : the whole of it
    threads, spin : as for `open_session`
    trust_graphs : as for `vet`

    Raises
    ------
    BundleError
        The bytes are not a model that this ONNX Runtime can run, the model reaches for other files or code, or opening it
        may have no end.
    """
    import onnxruntime

    refuse_foreign(model, trust_graphs=trust_graphs)
    try:
        return open_session(model, threads=threads, spin=spin)
    except runtime_errors() as error:
        raise BundleError(
            f"model.onnx cannot be opened by ONNX Runtime {onnxruntime.__version__} ({first_line(error)}). "
            "Upgrade with: pip install --upgrade onnxruntime"
        ) from error


def run_session(session: onnxruntime.InferenceSession, output: str, batch: Batch) -> FloatArray:
    """Run the graph on prepared arrays: a row of `output` for each item; raises as `run_outputs` does."""
    return run_outputs(session, [output], batch)[0]


def run_outputs(session: onnxruntime.InferenceSession, outputs: list[str], batch: Batch) -> list[FloatArray]:
    """Run the graph once on prepared arrays: of each output a row for each item.

    Raises
    ------
    DataError
        The graph does not take these arrays.
    """
    try:
        found: list[FloatArray] = session.run(outputs, batch)
    except runtime_errors() as error:
        raise DataError(f"the model cannot take these arrays ({first_line(error)}).") from error
    for output, values in zip(outputs, found, strict=True):
        check_rows(values, batch, output)
    return found


def refuse_foreign(model: bytes, *, trust_graphs: bool | None = None) -> None:
    """Look into a model before anything opens it.

    Raises
    ------
    BundleError
        It is not an ONNX model, wants to read other files, has operators that code of others would run, or may run without end.
    """
    try:
        vet(model, trust_graphs=trust_graphs)
    except RefusedGraphError as error:
        raise BundleError(f"model.onnx {error}") from error
    except ValueError as error:
        raise BundleError(
            "model.onnx is not a readable ONNX model. Make the bundle again with 'headstart fit'."
        ) from error
