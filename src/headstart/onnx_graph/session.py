"""Open an ONNX model in ONNX Runtime with threads set on purpose."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headstart.engines.threads import n_threads

if TYPE_CHECKING:
    import onnxruntime

_FATAL_ONLY = 4  # an error is raised; printed as well, it would be said twice


def open_session(
    model: bytes,
    *,
    threads: int | None = None,
    spin: bool = True,
    optimise: bool = True,
    model_format: str = "ONNX",
    operators: str | None = None,
) -> onnxruntime.InferenceSession:
    """Open a model that is all in `model`; `runtime_errors` says what is raised where it cannot be opened.

    Parameters
    ----------
    threads : how many run it; `n_threads()` if not said. A session of one starts none, and so outlives a fork
    spin : whether they keep their cores busy while they wait for each other; better not where others need the cores
    optimise : whether the graph may be rewritten to be faster
    model_format : 'ONNX', a protocol buffer, or 'ORT', the runtime's own; said, so that the same bytes are never taken for the other
    operators : path of a library with more operators
    """
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads or n_threads()
    options.inter_op_num_threads = 1
    options.log_severity_level = _FATAL_ONLY
    options.add_session_config_entry("session.intra_op.allow_spinning", str(int(spin)))
    options.add_session_config_entry("session.load_model_format", model_format)
    if not optimise:
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    if operators is not None:
        options.register_custom_ops_library(operators)
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def runtime_errors() -> tuple[type[Exception], ...]:
    """All that ONNX Runtime raises; it has no class in common for it."""
    from onnxruntime.capi import onnxruntime_pybind11_state as state

    raised = (known for known in vars(state).values() if isinstance(known, type) and issubclass(known, Exception))
    return (*raised, RuntimeError)
