"""The parts of a sealed bundle, checked: its task, preprocessor, prediction sets, and what its graph takes and gives."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from headstart.core.decision import DecisionRule
from headstart.core.errors import BundleError, SourceError
from headstart.core.tasks import TaskSpec, get_task, task_names

if TYPE_CHECKING:
    import onnxruntime

    from headstart.core.model import Batch, Preprocessor
    from headstart.packaging.manifest import Sealed


def check_outputs(session: onnxruntime.InferenceSession, n_labels: int) -> None:
    """Refuse a graph that does not give one output for each label."""
    shapes = {output.name: output.shape for output in session.get_outputs()}
    if shapes.get("outputs", [0])[-1] != n_labels:
        raise BundleError(
            f"model.onnx does not give one output for each of the {n_labels} labels. Make the bundle again with 'headstart fit'."
        )


def n_features_of(session: onnxruntime.InferenceSession, deployed: str) -> int:
    """The width of the graph's output `features`, 0 where it may vary.

    Raises
    ------
    BundleError
        There is none, as a model without a pretrained network was deployed.
    """
    shape = next((one.shape for one in session.get_outputs() if one.name == "features"), None)
    if shape is None:
        raise BundleError(
            f"this bundle holds '{deployed}' without the features of a pretrained network. "
            "Fit again with 'headstart fit', or use headstart.embed."
        )
    return shape[-1] if isinstance(shape[-1], int) else 0


def check_rows(values: Any, batch: Batch, output: str) -> None:
    """Refuse what a graph gave if it is not one row of numbers for each item of the batch.

    Raises
    ------
    BundleError
        It is something else.
    """
    n_items = len(next(iter(batch.values()))) if batch else 0
    if not isinstance(values, np.ndarray) or values.ndim != 2 or values.dtype.kind != "f" or len(values) != n_items:
        found = f"{values.dtype} of shape {values.shape}" if isinstance(values, np.ndarray) else type(values).__name__
        raise BundleError(
            f"model.onnx gives '{output}' as {found} for {n_items} items; one row of numbers for each was expected. "
            "Make the bundle again with 'headstart fit'."
        )


def task_spec_of(name: str) -> TaskSpec:
    """The task of a bundle, which must be known here."""
    if name not in task_names():
        raise BundleError(
            f"the bundle is for the task '{name}'; known here: {', '.join(task_names())}. Install the plugin that it was made with."
        )
    return get_task(name)


def build_input(sealed: Sealed) -> Preprocessor:
    """Rebuild the preprocessor, and load what it would load when it is used first.

    Raises
    ------
    BundleError
        One of its files, such as its tokenizer, cannot be read.
    """
    from headstart.sources import preprocessors

    described = sealed.content["input"]
    files = {name: sealed.read(path) for name, path in described["files"].items()}
    try:
        built: Preprocessor = preprocessors.build(described["kind"], described["settings"], files)
        built.transform([])
    except SourceError as error:
        raise BundleError(f"the bundle's input cannot be used: {error}") from error
    return built


def largest_ids_of(prepared: Preprocessor, prefix: str = "") -> dict[str, int]:
    """The largest token that a preprocessor makes, by the name of its array; of a joint one that of each part."""
    from headstart.sources.preprocessors.joint import JointPreprocessor, prefix_of
    from headstart.sources.preprocessors.tokens import TextTokenizer

    if isinstance(prepared, TextTokenizer):
        return {f"{prefix}input_ids": prepared.largest_id()}
    parts = prepared.inputs if isinstance(prepared, JointPreprocessor) else ()
    found: dict[str, int] = {}
    for position, part in enumerate(parts):
        found |= largest_ids_of(part, prefix + prefix_of(position))
    return found


def prediction_set_threshold_of(sealed: Sealed) -> float | None:
    """The threshold of prediction sets; None where there are none."""
    described = sealed.content.get("prediction_set") or {}
    threshold = described.get("threshold") if isinstance(described, dict) else ""
    if threshold is not None and not (isinstance(threshold, float) and 0 <= threshold <= 1):
        raise BundleError(
            "prediction_set must have a threshold from 0 to 1. Make the bundle again with 'headstart fit'."
        )
    return threshold


def decision_of(sealed: Sealed) -> DecisionRule | None:
    """The rule for decisions; None where probabilities count alike."""
    weights = sealed.content.get("decision_weights")
    if weights is None:
        return None
    n_labels = len(sealed.content["labels"])
    are_numbers = isinstance(weights, list) and all(isinstance(one, float) and 0 < one < math.inf for one in weights)
    if not are_numbers or len(weights) != n_labels:
        raise BundleError(
            f"decision_weights must be {n_labels} numbers above 0, one a label. Make the bundle again with 'headstart fit'."
        )
    return DecisionRule(weights=tuple(weights))


def dtype_of(name: str) -> np.dtype[Any]:
    """Read a type as ONNX Runtime writes it: tensor(float)."""
    short = name.removeprefix("tensor(").removesuffix(")")
    return np.dtype({"float": "float32", "double": "float64"}.get(short, short))
