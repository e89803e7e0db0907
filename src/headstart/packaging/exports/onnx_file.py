"""One ONNX file that needs nothing: preprocessing, network, head and answer in one graph."""

from __future__ import annotations

import hashlib
from collections import Counter
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from headstart.core.strict_json import to_json
from headstart.packaging.exports.comparing import compare, extensions, open_exported
from headstart.packaging.exports.whole_graph import whole_graph
from headstart.storage.files import write_file

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import onnx

    from headstart.packaging.exports import ExportOptions
    from headstart.packaging.model import Bundle


def export(bundle: Bundle, out: Path, options: ExportOptions) -> dict[str, Any]:
    """Write the file, and its record beside it as `OUT.json`.

    Raises
    ------
    OptionError
        The bundle's preprocessing cannot be written into a graph, or an item of `options` is no JPEG, PNG or text.
    InternalError
        The graph does not answer as the bundle does. Nothing was written.
    """
    model, record = checked_graph(bundle, options)
    write_file(out, model)
    record = {"format": "onnx", "path": str(out), **record}
    write_file(out.with_name(out.name + ".json"), to_json(record).encode())
    difference, n = record["max_difference"], record["n_items"]
    return {
        **record,
        "sentence": f"{out}: answers as the bundle on {n} items, to {difference:.1g} ({record['size_mib']:.1f} MiB). {needs(record)}",
    }


def needs(record: Mapping[str, Any]) -> str:
    """Say which packages run a graph that `checked_graph` describes, and how to do with fewer."""
    libraries = record["libraries"]
    if "onnxruntime-extensions" not in libraries:
        return "It runs in ONNX Runtime alone: pip install onnxruntime."
    return (
        f"It reads items as they are, for which it needs operators of a package: pip install onnxruntime onnxruntime-extensions=="
        f"{libraries['onnxruntime-extensions']}. With --tensor-inputs it needs ONNX Runtime alone, and takes pixels or token numbers."
    )


def checked_graph(bundle: Bundle, options: ExportOptions) -> tuple[bytes, dict[str, Any]]:
    """Give the graph and the record of it: what it holds, and how far from the bundle it is."""
    model = whole_graph(bundle, has_tensor_inputs=options.tensor_inputs)
    packed: bytes = model.SerializeToString(deterministic=True)
    domains = sorted(opset.domain for opset in model.opset_import if opset.domain)
    session = open_exported(packed, has_extensions=bool(domains))
    comparison = compare(session, bundle, options.items, has_tensor_inputs=options.tensor_inputs)
    libraries = {"onnxruntime": version("onnxruntime")}
    if domains:
        libraries["onnxruntime-extensions"] = extensions().__version__
    return packed, {
        **vars(comparison),
        "inputs": _described(session.get_inputs()),
        "outputs": _described(session.get_outputs()),
        "opset": {opset.domain or "ai.onnx": opset.version for opset in model.opset_import},
        "operators": dict(sorted(_operators(model.graph).items())),
        "libraries": libraries,
        "size_mib": len(packed) / 2**20,
        "sha256": hashlib.sha256(packed).hexdigest(),
    }


def _described(values: list[Any]) -> list[dict[str, Any]]:
    return [{"name": value.name, "type": value.type, "shape": value.shape} for value in values]


def _operators(graph: onnx.GraphProto) -> Counter[str]:
    """Count the operators, those inside of loops and branches too."""
    found = Counter(f"{node.domain}.{node.op_type}" if node.domain else node.op_type for node in graph.node)
    for node in graph.node:
        for attribute in node.attribute:
            if attribute.HasField("g"):
                found += _operators(attribute.g)
    return found
