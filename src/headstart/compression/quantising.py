"""ONNX Runtime's own quantization, which works on files."""

from __future__ import annotations

import logging
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from headstart.compression.graphs import write_graph

if TYPE_CHECKING:
    from collections.abc import Callable

    import onnx


def on_files(quantise: Callable[[Path, Path], None], model: onnx.ModelProto) -> bytes:
    """Let `quantise` read the model from one file and write another, in a temporary folder.

    The library's log messages are advice for manual use, and are hidden.
    """
    with tempfile.TemporaryDirectory(prefix="headstart-") as folder:
        before, after = Path(folder) / "before.onnx", Path(folder) / "after.onnx"
        before.write_bytes(write_graph(model))
        disabled = logging.root.manager.disable
        logging.disable(logging.WARNING)
        try:
            quantise(before, after)
        finally:
            logging.disable(disabled)
        return after.read_bytes()
