"""Triton's model repository: a folder a model, with a configuration and a folder a version."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from headstart.core.errors import StorageError
from headstart.core.strict_json import to_json
from headstart.packaging.exports.onnx_file import checked_graph
from headstart.storage.files import replacing

if TYPE_CHECKING:
    from pathlib import Path

    from headstart.packaging.exports import ExportOptions
    from headstart.packaging.model import Bundle

_TYPES = {
    "tensor(float)": "TYPE_FP32",
    "tensor(int64)": "TYPE_INT64",
    "tensor(string)": "TYPE_STRING",
    "tensor(uint8)": "TYPE_UINT8",
}
_MAX_BATCH = 32
_CONFIGURATION = "config.pbtxt"


def export(bundle: Bundle, out: Path, options: ExportOptions) -> dict[str, Any]:
    """Write the model as a folder in the repository `out`, in standard operators alone: Triton's own ONNX backend runs it.

    Raises
    ------
    StorageError
        A folder of the model's name is there and is no model of Triton's.
    InternalError
        The graph does not answer as the bundle does. Nothing was written.
    """
    name = model_name(bundle)
    folder = out / name
    if folder.exists() and not (folder / _CONFIGURATION).is_file():
        raise StorageError(f"{folder} is there and holds no {_CONFIGURATION}. Choose another folder for --triton.")
    model, record = checked_graph(bundle, replace(options, tensor_inputs=True))
    record = {"format": "triton", "path": str(folder), **record}
    with replacing(folder) as partial:
        (partial / "1").mkdir(parents=True)
        (partial / "1" / "model.onnx").write_bytes(model)
        (partial / _CONFIGURATION).write_text(configuration(name, record), encoding="utf-8")
        (partial / "labels.txt").write_text("".join(f"{label}\n" for label in bundle.labels), encoding="utf-8")
        (partial / "record.json").write_text(to_json(record), encoding="utf-8")
    return {**record, "sentence": f"{folder}: Triton's layout; answers as the bundle on {record['n_items']} items"}


def model_name(bundle: Bundle) -> str:
    """Make a name that folders, Triton and Kubernetes take: small letters, figures and hyphens.

    >>> from types import SimpleNamespace
    >>> model_name(SimpleNamespace(name="My Photos (2)"))
    'my-photos-2'
    """
    return re.sub(r"[^a-z0-9]+", "-", bundle.name.lower()).strip("-")[:63] or "model"


def configuration(name: str, record: dict[str, Any]) -> str:
    """Write `config.pbtxt`, a protocol buffer as text (`inference.ModelConfig`)."""
    inputs, outputs = (",\n".join(_value(value) for value in record[side]) for side in ("inputs", "outputs"))
    first = f'name: {json.dumps(name)}\nbackend: "onnxruntime"\nmax_batch_size: {_MAX_BATCH}\n'
    return f"{first}input [\n{inputs}\n]\noutput [\n{outputs}\n]\ndynamic_batching {{ }}\n"


def _value(value: dict[str, Any]) -> str:
    """Describe an input or output; the batch is understood, and what has no other axis is one number an item."""
    axes = [axis if isinstance(axis, int) else -1 for axis in value["shape"][1:]]
    lines = [f"name: {json.dumps(value['name'])}", f"data_type: {_TYPES[value['type']]}", f"dims: {axes or [1]}"]
    if not axes:
        lines.append("reshape { shape: [ ] }")
    if value["name"] == "probabilities":
        lines.append('label_filename: "labels.txt"')
    return "  {\n" + "".join(f"    {line}\n" for line in lines) + "  }"
