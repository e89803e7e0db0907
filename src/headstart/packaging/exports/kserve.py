"""KServe: Triton's model repository beside the description of an InferenceService that serves it by the V2 protocol."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from headstart.packaging.exports import triton
from headstart.storage.files import write_file

if TYPE_CHECKING:
    from pathlib import Path

    from headstart.packaging.exports import ExportOptions
    from headstart.packaging.model import Bundle

_SERVICE = """\
apiVersion: serving.kserve.io/v1beta1
kind: InferenceService
metadata:
  name: {name}
spec:
  predictor:
    model:
      modelFormat:
        name: onnx
      protocolVersion: v2
      runtime: kserve-tritonserver
      # where you have copied the folder `models` to: s3://, gs://, https:// or a volume
      storageUri: {place}
"""


def export(bundle: Bundle, out: Path, options: ExportOptions) -> dict[str, Any]:
    """Write `OUT/models/NAME`, as Triton takes it, and `OUT/NAME.yaml`, whose `storageUri` is yours to set.

    Raises
    ------
    StorageError
        A folder of the model's name is there and is no model of Triton's.
    InternalError
        The graph does not answer as the bundle does. Nothing was written.
    """
    name = triton.model_name(bundle)
    record = triton.export(bundle, out / "models", options)
    service = out / f"{name}.yaml"
    write_file(service, _SERVICE.format(name=json.dumps(name), place=json.dumps(f"pvc://{name}/models")).encode())
    return {
        **record,
        "format": "kserve",
        "path": str(service),
        "sentence": f"{service}: set its storageUri, copy {out / 'models'} there, and apply it",
    }
