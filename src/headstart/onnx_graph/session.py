"""Open an ONNX model in ONNX Runtime with explicit thread settings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headstart.engines.threads import n_threads

if TYPE_CHECKING:
    import onnxruntime

_FATAL_ONLY = 4  # errors are raised anyway, so they are not logged
_SHORT_SPIN_US = 25  # longer than most waits within one run, shorter than what waking a thread costs others
_SHORT_SPIN_SINCE = (
    1,
    31,
)  # the first version that was seen to keep to it; what is not known is passed over in silence


def open_session(
    model: bytes,
    *,
    threads: int | None = None,
    spin: bool = True,
    optimise: bool = True,
    model_format: str = "ONNX",
    operators: str | None = None,
) -> onnxruntime.InferenceSession:
    """Open a model from its bytes; if that fails, one of `runtime_errors` is raised.

    Parameters
    ----------
    threads : number of threads; `n_threads()` by default. A session with one starts no thread, so it survives a fork
    spin : whether waiting threads keep their cores busy, also between runs; else for a moment within a run, as others need the
        cores
    optimise : whether the graph may be optimized
    model_format : 'ONNX', a protocol buffer, or 'ORT', the runtime's own; explicit, so that the format is never guessed
    operators : path of a library with custom operators
    """
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads or n_threads()
    options.inter_op_num_threads = 1
    options.log_severity_level = _FATAL_ONLY
    for name, value in _spinning(spin=spin, version=onnxruntime.__version__).items():
        options.add_session_config_entry(name, value)
    options.add_session_config_entry("session.load_model_format", model_format)
    if not optimise:
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    if operators is not None:
        options.register_custom_ops_library(operators)
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def _spinning(*, spin: bool, version: str) -> dict[str, str]:
    """How long the threads of a session wait awake, in the runtime's own words."""
    if spin:
        return {"session.intra_op.allow_spinning": "1"}
    if tuple(map(int, version.split(".")[:2])) < _SHORT_SPIN_SINCE:
        return {"session.intra_op.allow_spinning": "0"}
    return {
        "session.intra_op.allow_spinning": "1",
        "session.intra_op.spin_duration_us": str(_SHORT_SPIN_US),
        "session.force_spinning_stop": "1",  # with the last run that is at work
    }


def runtime_errors() -> tuple[type[Exception], ...]:
    """All exceptions that ONNX Runtime raises; they have no common base class."""
    from onnxruntime.capi import onnxruntime_pybind11_state as state

    raised = (known for known in vars(state).values() if isinstance(known, type) and issubclass(known, Exception))
    return (*raised, RuntimeError)
