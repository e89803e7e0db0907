"""Does what a manifest says of a bundle fit the parts that it is made of? A manifest without a signature may say anything."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from headstart.core.errors import BundleError, UserError
from headstart.data.modalities import get_modality, modality_of_fields

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from headstart.core.dataset import Field, FloatArray
    from headstart.core.model import Preprocessor
    from headstart.core.tasks import TaskSpec

_TOLERANCE = 1e-3
_REMEDY = "Do not trust this bundle, or make it again with 'headstart fit'."


def check_described(
    manifest: Mapping[str, Any], task: TaskSpec, fields: Sequence[Field], prepared: Preprocessor
) -> None:
    """Compare labels, columns, fields and preprocessor with each other and with the task.

    Raises
    ------
    BundleError
        Some do not fit; the message says which.
    """
    labels = manifest["labels"]
    repeated = next((label for label in labels if labels.count(label) > 1), None)
    if repeated is not None:
        raise BundleError(f"'labels' in the manifest name {repeated!r} twice. {_REMEDY}")
    if task.is_single_label and (len(labels) < 2 or (task.name == "binary" and len(labels) != 2)):
        raise BundleError(f"the manifest says '{task.name}' and has {len(labels)} labels. {_REMEDY}")
    for column, name in manifest["columns"].items():
        if not isinstance(name, str):
            raise BundleError(f"'columns' in the manifest gives '{column}' as {name!r}, not as a name. {_REMEDY}")
    _check_fields(manifest["modality"], fields, prepared)


def _check_fields(modality_said: str, described: Sequence[Field], prepared: Preprocessor) -> None:
    fields = {field.name: field.modality for field in described}
    if len(fields) < len(described):
        raise BundleError(f"'fields' in the manifest name one twice: {[one.name for one in described]}. {_REMEDY}")
    try:
        reads = modality_of_fields(tuple(described)).name
    except UserError as error:
        raise BundleError(f"'fields' in the manifest are wrong: {error}") from error
    if reads != modality_said:
        raise BundleError(f"the manifest says '{modality_said}', but its fields are of '{reads}'. {_REMEDY}")
    for field, modality in _read_by(prepared):
        if field is not None and field not in fields:
            raise BundleError(f"the input reads a field '{field}'; 'fields' in the manifest has {[*fields]}. {_REMEDY}")
        given = reads if field is None else fields[field]
        also = None if field is None else get_modality(given).also_read_as
        if modality not in (None, given, also):
            raise BundleError(f"the input reads '{modality}', but the manifest says '{given}'. {_REMEDY}")


def _read_by(prepared: Preprocessor) -> Sequence[tuple[str | None, str | None]]:
    """What each part of a preprocessor reads: the name of a field or None for the item itself, and its modality."""
    from headstart.sources.preprocessors.columns import ColumnReader
    from headstart.sources.preprocessors.joint import JointPreprocessor

    if isinstance(prepared, ColumnReader) and prepared.is_alone:
        return [(None, prepared.columns[0].holds)]
    if isinstance(prepared, JointPreprocessor):
        return [
            (outer or inner, modality)
            for outer, part in zip(prepared.fields, prepared.inputs, strict=True)
            for inner, modality in _read_by(part)
        ]
    return [(None, getattr(prepared, "reads", getattr(prepared, "modality", None)))]


def misfit_of(task: TaskSpec, outputs: FloatArray) -> str:
    """What keeps outputs (n, k) from being answers of a task, as an end of a sentence; '' for nothing."""
    if not np.isfinite(outputs).all():
        return "its outputs are no numbers"
    if not task.has_probabilities:
        return ""
    if outputs.min() < -_TOLERANCE or outputs.max() > 1 + _TOLERANCE:
        return f"its manifest says '{task.name}', but its outputs are no probabilities"
    if task.is_single_label and abs(outputs.sum(axis=1) - 1).max() > _TOLERANCE:
        return f"its manifest says '{task.name}', but the probabilities of its labels do not sum to one"
    return ""
