"""Does what a manifest says of a bundle fit the parts that it is made of? A manifest without a signature may say anything."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from headstart.core.errors import BundleError, UserError
from headstart.data.modalities import modality_of_fields

if TYPE_CHECKING:
    from collections.abc import Sequence

    from headstart.core.dataset import FloatArray
    from headstart.core.model import Preprocessor
    from headstart.packaging.model import Bundle

_TOLERANCE = 1e-3
_REMEDY = "Do not trust this bundle, or make it again with 'headstart fit'."


def check_described(bundle: Bundle) -> None:
    """Compare labels, columns, fields and preprocessor with each other and with the task.

    Raises
    ------
    BundleError
        Some do not fit; the message says which.
    """
    labels = bundle.labels
    repeated = next((label for label in labels if labels.count(label) > 1), None)
    if repeated is not None:
        raise BundleError(f"'labels' in the manifest name {repeated!r} twice. {_REMEDY}")
    if bundle.task_spec.is_single_label and (len(labels) < 2 or (bundle.task == "binary" and len(labels) != 2)):
        raise BundleError(f"the manifest says '{bundle.task}' and has {len(labels)} labels. {_REMEDY}")
    for column, name in bundle.manifest["columns"].items():
        if not isinstance(name, str):
            raise BundleError(f"'columns' in the manifest gives '{column}' as {name!r}, not as a name. {_REMEDY}")
    _check_fields(bundle)


def _check_fields(bundle: Bundle) -> None:
    fields = {field.name: field.modality for field in bundle.fields}
    if len(fields) < len(bundle.fields):
        raise BundleError(f"'fields' in the manifest name one twice: {[one.name for one in bundle.fields]}. {_REMEDY}")
    try:
        reads = modality_of_fields(bundle.fields).name
    except UserError as error:
        raise BundleError(f"'fields' in the manifest are wrong: {error}") from error
    if reads != bundle.modality:
        raise BundleError(f"the manifest says '{bundle.modality}', but its fields are of '{reads}'. {_REMEDY}")
    for field, modality in _read_by(bundle.input):
        if field is not None and field not in fields:
            raise BundleError(f"the input reads a field '{field}'; 'fields' in the manifest has {[*fields]}. {_REMEDY}")
        given = reads if field is None else fields[field]
        if modality not in (None, given):
            raise BundleError(f"the input reads '{modality}', but the manifest says '{given}'. {_REMEDY}")


def _read_by(prepared: Preprocessor) -> Sequence[tuple[str | None, str | None]]:
    """What each part of a preprocessor reads: the name of a field or None for the item itself, and its modality."""
    from headstart.sources.preprocessors.joint import JointPreprocessor

    if isinstance(prepared, JointPreprocessor):
        return [
            (outer or inner, modality)
            for outer, part in zip(prepared.fields, prepared.inputs, strict=True)
            for inner, modality in _read_by(part)
        ]
    return [(None, getattr(prepared, "modality", None))]


def misfit_of(bundle: Bundle, outputs: FloatArray) -> str:
    """What keeps outputs (n, k) from being answers of the bundle's task, as an end of a sentence; '' for nothing."""
    if not np.isfinite(outputs).all():
        return "its outputs are no numbers"
    if not bundle.task_spec.has_probabilities:
        return ""
    if outputs.min() < -_TOLERANCE or outputs.max() > 1 + _TOLERANCE:
        return f"its manifest says '{bundle.task}', but its outputs are no probabilities"
    if bundle.task_spec.is_single_label and abs(outputs.sum(axis=1) - 1).max() > _TOLERANCE:
        return f"its manifest says '{bundle.task}', but the probabilities of its labels do not sum to one"
    return ""
