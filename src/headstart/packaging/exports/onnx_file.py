"""One ONNX file: the bundle's graph, with the answer in words after it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from headstart.engines.files import write_file

if TYPE_CHECKING:
    from pathlib import Path

    from headstart.packaging.exports import Wishes
    from headstart.packaging.model import Bundle


def export(bundle: Bundle, out: Path, wishes: Wishes) -> dict[str, Any]:  # noqa: ARG001
    """Write the graph."""
    write_file(out, bundle.graph)
    return {
        "format": "onnx",
        "path": str(out),
        "n_items": 0,
        "max_difference": None,
        "sentence": f"{out}: the bundle's graph",
    }
