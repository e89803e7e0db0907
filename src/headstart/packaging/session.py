"""Open an ONNX model in ONNX Runtime with threads set on purpose."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from headstart.core.errors import BundleError, first_line
from headstart.engines.onnx_scan import custom_operators, has_external_data
from headstart.engines.threads import n_threads

if TYPE_CHECKING:
    import onnxruntime

_FATAL_ONLY = 4  # what fails is raised; printed it would be a second voice


def open_session(model: bytes, *, threads: int | None = None, spin: bool = True) -> onnxruntime.InferenceSession:
    """Open a model that is all in `model`.

    Parameters
    ----------
    threads : how many run it; `n_threads()` if not said. A session of one starts none, and so outlives a fork
    spin : whether they keep their cores busy while they wait for each other; better not where others need the cores

    Raises
    ------
    BundleError
        The bytes are not a model that this ONNX Runtime can run, or the model reaches for other files or code.
    """
    import onnxruntime

    refuse_foreign(model)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads or n_threads()
    options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", str(int(spin)))
    options.log_severity_level = _FATAL_ONLY
    # what was looked into is the protocol buffer; the runtime must not take the same bytes for its other format
    options.add_session_config_entry("session.load_model_format", "ONNX")
    try:
        return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
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


def runtime_errors() -> tuple[type[Exception], ...]:
    """All that ONNX Runtime raises; it has no class in common for it."""
    from onnxruntime.capi import onnxruntime_pybind11_state as state

    names = ("Fail", "InvalidArgument", "InvalidGraph", "InvalidProtobuf", "NotImplemented", "RuntimeException")
    known: list[Any] = [getattr(state, name) for name in names if hasattr(state, name)]
    return (*known, RuntimeError)
