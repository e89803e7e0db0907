"""ONNX Runtime's own format, which its builds for phones read: the same graph, with the list of operators that it needs."""

from __future__ import annotations

import contextlib
import hashlib
import io
import tempfile
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

from headstart.core.errors import require
from headstart.core.strict_json import to_json
from headstart.packaging.exports.comparing import compare, extensions, open_exported
from headstart.packaging.exports.onnx_file import checked_graph, needs
from headstart.storage.files import write_file

if TYPE_CHECKING:
    from headstart.packaging.exports import ExportOptions
    from headstart.packaging.model import Bundle


def export(bundle: Bundle, out: Path, options: ExportOptions) -> dict[str, Any]:
    """Write `OUT`, `OUT.required_operators.config` for a reduced build, and the record as `OUT.json`.

    Raises
    ------
    OptionError
        The bundle's preprocessing cannot be written into a graph.
    MissingExtraError
        ONNX Runtime's converter is not installed.
    InternalError
        The converted model does not answer as the bundle does. Nothing was written.
    """
    model, record = checked_graph(bundle, options)
    has_extensions = "onnxruntime-extensions" in record["libraries"]
    converted, operators = _converted(model, has_extensions=has_extensions)
    session = open_exported(converted, has_extensions=has_extensions, model_format="ORT")
    comparison = compare(session, bundle, options.items, has_tensor_inputs=options.tensor_inputs)
    record = {
        "format": "ort",
        "path": str(out),
        **record,
        **vars(comparison),
        "required_operators": operators.splitlines(),
        "size_mib": len(converted) / 2**20,
        "sha256": hashlib.sha256(converted).hexdigest(),
    }
    write_file(out, converted)
    write_file(out.with_name(out.name + ".required_operators.config"), operators.encode())
    write_file(out.with_name(out.name + ".json"), to_json(record).encode())
    difference = f"{comparison.max_difference:.1g} on {comparison.n_items} items"
    sentence = f"{out}: answers as the bundle, to {difference} ({record['size_mib']:.1f} MiB). {needs(record)}"
    return {**record, "sentence": sentence}


def _converted(model: bytes, *, has_extensions: bool) -> tuple[bytes, str]:
    """Convert by ONNX Runtime's own tool, with the optimisations that hold on every processor; give model and operators."""
    require("flatbuffers", extra="export", purpose="writing ONNX Runtime's format")
    tool = require(
        "onnxruntime.tools.convert_onnx_models_to_ort", extra="export", purpose="writing ONNX Runtime's format"
    )
    library = Path(extensions().get_library_path()) if has_extensions else None
    with tempfile.TemporaryDirectory() as place, contextlib.redirect_stdout(io.StringIO()):
        folder = Path(place)
        (folder / "model.onnx").write_bytes(model)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ResourceWarning)  # the tool leaves a file to be closed by itself
            tool.convert_onnx_models_to_ort(
                folder / "model.onnx",
                output_dir=folder / "converted",
                optimization_styles=[tool.OptimizationStyle.Fixed],
                custom_op_library_path=library,
                target_platform="arm",
            )
        converted, operators = (
            next((folder / "converted").rglob("*.ort")),
            next((folder / "converted").rglob("*.config")),
        )
        listed = [line for line in operators.read_text().splitlines() if line and not line.startswith("#")]
        return converted.read_bytes(), "".join(f"{line}\n" for line in listed)
