"""A Hugging Face folder: model card, graph, tokenizer and configuration, ready to be pushed by whoever wants to."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from headstart.core.errors import StorageError
from headstart.core.strict_json import to_json
from headstart.evaluation.evaluation_section import EvaluationSection
from headstart.packaging.exports.onnx_file import checked_graph
from headstart.packaging.package_section import PackageSection
from headstart.storage.files import replacing

if TYPE_CHECKING:
    from pathlib import Path

    from headstart.packaging.exports import ExportOptions
    from headstart.packaging.model import Bundle

_CONFIGURATION = "config.json"
_LICENSES = (
    "apache-2.0",
    "mit",
    "bsd-3-clause",
    "bsd-2-clause",
    "cc-by-4.0",
    "cc0-1.0",
)  # of the hub's identifiers, those of sources


def export(bundle: Bundle, out: Path, options: ExportOptions) -> dict[str, Any]:
    """Write the folder `out`; nothing is pushed.

    Raises
    ------
    StorageError
        `out` is there and is no such folder.
    OptionError
        The bundle's preprocessing cannot be written into a graph.
    InternalError
        The graph does not answer as the bundle does. Nothing was written.
    """
    if out.exists() and not (out / _CONFIGURATION).is_file():
        raise StorageError(f"{out} is there and holds no {_CONFIGURATION}. Choose another folder for --hub.")
    model, record = checked_graph(bundle, options)
    record = {"format": "hub", "path": str(out), **record}
    with replacing(out) as partial:
        partial.mkdir()
        (partial / "model.onnx").write_bytes(model)
        for name, content in bundle.input.files().items():
            (partial / name).write_bytes(content)
        (partial / "README.md").write_text(_card(bundle, options), encoding="utf-8")
        (partial / _CONFIGURATION).write_text(to_json(_configuration(bundle)), encoding="utf-8")
        (partial / "record.json").write_text(to_json(record), encoding="utf-8")
    return {
        **record,
        "sentence": f"{out}: push it with 'hf upload NAME {out}'; answers as the bundle on {record['n_items']} items",
    }


def _configuration(bundle: Bundle) -> dict[str, Any]:
    numbered = dict(enumerate(bundle.labels))
    return {
        "model_type": "headstart",
        "problem_type": bundle.task,
        "id2label": numbered,
        "label2id": {label: number for number, label in numbered.items()},
        "input": {"kind": bundle.input.kind, **bundle.input.settings()},
        "source": bundle.manifest["source"],
        "decision_weights": None if bundle.decision is None else bundle.decision.weights,
    }


def _card(bundle: Bundle, options: ExportOptions) -> str:
    """Put the hub's front matter before the bundle's own card, and the lines that load the file behind it."""
    license = str(bundle.report[PackageSection].card.get("license", "")).lower()
    front = {
        "license": license if license in _LICENSES else "other",
        "library_name": "onnx",
        "pipeline_tag": bundle.reads.hub_task,
        "tags": ["headstart", "onnx", "transfer-learning", bundle.task],
        "metrics": [bundle.report[EvaluationSection].metric.name],
    }
    lines = "".join(f"{key}: {json.dumps(value, ensure_ascii=False)}\n" for key, value in front.items())
    return f"---\n{lines}---\n\n{bundle.card.rstrip()}\n\n{_use(bundle, options)}"


def _use(bundle: Bundle, options: ExportOptions) -> str:
    if options.tensor_inputs:
        return "## Use\n\n`model.onnx` runs in any ONNX Runtime; `record.json` names its inputs and outputs.\n"
    outputs = json.dumps(["label", "probability"] if bundle.task_spec.has_probabilities else ["value"])
    return f"""## Use

`model.onnx` takes items as they are. It needs `pip install onnxruntime "onnxruntime-extensions<0.12" numpy`.

```python
import numpy as np
import onnxruntime
import onnxruntime_extensions

options = onnxruntime.SessionOptions()
options.register_custom_ops_library(onnxruntime_extensions.get_library_path())
session = onnxruntime.InferenceSession("model.onnx", options)
session.run({outputs}, {bundle.reads.loading_code})
```
"""
