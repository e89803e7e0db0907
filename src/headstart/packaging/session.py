"""Open a bundle's graph, once it has been looked into."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headstart.core.errors import BundleError, first_line
from headstart.onnx_graph.scan import custom_operators, has_external_data
from headstart.onnx_graph.session import open_session, runtime_errors

if TYPE_CHECKING:
    import onnxruntime


def open_bundle_session(model: bytes, *, threads: int | None = None, spin: bool = True) -> onnxruntime.InferenceSession:
    """Open the graph of a bundle.

    Parameters
    ----------
    model : the whole of it
    threads, spin : as for `open_session`

    Raises
    ------
    BundleError
        The bytes are not a model that this ONNX Runtime can run, or the model reaches for other files or code.
    """
    import onnxruntime

    refuse_foreign(model)
    try:
        return open_session(model, threads=threads, spin=spin)
    except runtime_errors() as error:
        raise BundleError(
            f"model.onnx cannot be opened by ONNX Runtime {onnxruntime.__version__} ({first_line(error)}). "
            "Upgrade with: pip install --upgrade onnxruntime"
        ) from error


def refuse_foreign(model: bytes) -> None:
    """Look into a model before anything opens it.

    Raises
    ------
    BundleError
        It is not an ONNX model, wants to read other files, or has operators that code of others would run.
    """
    try:
        is_external, custom = has_external_data(model), custom_operators(model)
    except ValueError as error:
        raise BundleError(
            "model.onnx is not a readable ONNX model. Make the bundle again with 'headstart fit'."
        ) from error
    if is_external:
        raise BundleError("model.onnx wants to read other files (external data). Do not trust this bundle.")
    if custom:
        raise BundleError(
            f"model.onnx has custom operators, which code of others would run ({', '.join(custom[:5])}). "
            "Do not trust this bundle."
        )
