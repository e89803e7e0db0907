"""Compare an exported graph with its bundle, on real items."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from headstart.core.errors import InternalError, OptionError, first_line, require
from headstart.onnx_graph.session import open_session
from headstart.packaging.export import TOLERANCE, largest_difference

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from types import ModuleType

    import onnxruntime

    from headstart.core.dataset import FloatArray
    from headstart.core.model import Batch
    from headstart.packaging.model import Bundle

_NAME_LENGTH = 80


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """How far a graph is from its bundle.

    Attributes
    ----------
    n_items : that both answered
    max_difference : largest of any probability or value, of 1 or of the value where that is larger
    origin : whence the items
    """

    n_items: int
    max_difference: float
    origin: str


def extensions() -> ModuleType:
    """Give the library whose operators decode files and cut texts into tokens.

    Raises
    ------
    MissingExtraError
        It is not installed.
    """
    return require("onnxruntime_extensions", extra="export", purpose="running a model that reads files or texts")


def open_exported(model: bytes, *, has_extensions: bool, model_format: str = "ONNX") -> onnxruntime.InferenceSession:
    """Open an exported graph in ONNX Runtime.

    Raises
    ------
    MissingExtraError
        It needs onnxruntime-extensions, which is not installed.
    """
    operators = extensions().get_library_path() if has_extensions else None
    return open_session(model, model_format=model_format, operators=operators)


def compare(
    session: onnxruntime.InferenceSession, bundle: Bundle, items: Sequence[Any], *, has_tensor_inputs: bool
) -> Comparison:
    """Answer for each item with both.

    Raises
    ------
    InternalError
        They differ by more than `TOLERANCE`.
    OptionError
        The graph cannot read an item that the bundle reads.
    """
    chosen = list(items) or _kept_items(bundle)
    noun, worst = bundle.reads.one, 0.0
    for feeds, same in _batches(bundle, chosen, has_tensor_inputs=has_tensor_inputs):
        difference = _difference(bundle, _run(session, feeds, same, noun), same)
        if not difference <= TOLERANCE:
            raise InternalError(
                f"the exported graph differs from the bundle by {difference:.2g} on {_short(same, noun)}; at most {TOLERANCE} is allowed. "
                "Nothing was written."
            )
        worst = max(worst, difference)
    return Comparison(n_items=len(chosen), max_difference=worst, origin="given" if items else "kept with the bundle")


def _batches(bundle: Bundle, items: Sequence[Any], *, has_tensor_inputs: bool) -> Iterator[tuple[Batch, Sequence[Any]]]:
    modality = bundle.reads
    found = modality.feeds(items, are_files=not has_tensor_inputs)
    if has_tensor_inputs and not modality.is_array:
        return ((bundle.input.transform(texts), texts) for _, texts in found)
    return found


def _run(session: onnxruntime.InferenceSession, feeds: Batch, items: Sequence[Any], noun: str) -> dict[str, Any]:
    names = [output.name for output in session.get_outputs()]
    try:
        return dict(zip(names, session.run(names, feeds), strict=True))
    except Exception as error:  # whatever ONNX Runtime and its extensions raise: they share no base of their own
        raise OptionError(
            f"the exported graph cannot read {_short(items, noun)} ({first_line(error)}). Files must be JPEG or PNG; "
            "leave others out of --check, or export with --tensor-inputs and decode them yourself."
        ) from error


def _difference(bundle: Bundle, answers: Mapping[str, Any], items: Sequence[Any]) -> float:
    if not bundle.task_spec.has_probabilities:
        return _largest(answers["value"], np.asarray(bundle.predict(items)))
    probabilities = answers["probabilities"]
    said = [bundle.answer("", row) for row in probabilities]
    if bundle.task_spec.is_single_label and list(answers["label"]) != [one.label for one in said]:
        return float("inf")
    for name in answers.keys() & {"labels", "prediction_set"}:
        if [set(filter(None, row)) for row in answers[name]] != [set(getattr(one, name)) for one in said]:
            return float("inf")
    return _largest(probabilities, bundle.predict_proba(items))


def _largest(found: FloatArray, expected: FloatArray) -> float:
    return largest_difference(found.astype(np.float64), expected) if np.isfinite(found).all() else float("inf")


def _kept_items(bundle: Bundle) -> list[Any]:
    """Find the real items that the report shows, each as small as it is shown."""
    modality = bundle.reads
    shown = map(modality.from_preview, _entries(bundle.report.to_dict()))
    return [item for item in shown if item is not None] or modality.stand_ins(bundle.labels)


def _entries(value: Any) -> Iterator[Mapping[str, Any]]:
    """Every object inside a JSON value, the outer ones first."""
    if isinstance(value, dict):
        yield value
    for part in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _entries(part)


def _short(items: Sequence[Any], noun: str) -> str:
    first = items[0]
    said = f"'{' '.join(first[:_NAME_LENGTH].split())}'" if isinstance(first, str) else noun
    return said if len(items) == 1 else f"{said} or one of the {len(items) - 1} after it"
