"""A SavedModel of TensorFlow or Keras, converted by tf2onnx in a separate process."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from headstart.core.errors import MissingExtraError, SourceError
from headstart.onnx_graph.builder import OPSET
from headstart.onnx_graph.editing import read_onnx
from headstart.sources.importing.imported_graph import Preprocessing, model_of_graph, with_options
from headstart.sources.tokenizers import tokenizer_at
from headstart.storage.untrusted_folder import UntrustedFolder, pins

if TYPE_CHECKING:
    from headstart.sources.importing.imported_model import ImportedModel, ImportOptions

_GRAPH = "saved_model.pb"
_DEADLINE_S = 600
_KERAS_FILES = (".keras", ".h5", ".hdf5")


def accepts(thing: Any) -> bool:
    """Whether it is a folder with a saved_model.pb, or a Keras file, which `read` refuses with a remedy."""
    return isinstance(thing, Path) and ((thing / _GRAPH).is_file() or thing.suffix.lower() in _KERAS_FILES)


def read(thing: Any, options: ImportOptions) -> ImportedModel:
    """Convert the signature 'serving_default' to ONNX; loading a SavedModel runs no Python code in it.

    Raises
    ------
    SourceError
        It is a Keras file, which may contain Python code, or tf2onnx cannot convert it.
    MissingExtraError
        TensorFlow or tf2onnx is not installed.
    """
    path = Path(thing)
    if path.is_file():
        raise SourceError(
            f"{path.name} is a Keras file, which may contain Python code, so it is not opened. Write a SavedModel with "
            "model.export(FOLDER), or an ONNX file, and add that."
        )
    folder = UntrustedFolder.of(path)
    names = sorted(file.relative_to(path).as_posix() for file in path.rglob("*") if not file.is_dir())
    contents = {name: folder.read(name) for name in names}
    model = read_onnx(_convert(contents, path), str(path), trust_graphs=options.trust_graphs)
    provenance = {"format": "saved-model", "path": str(path.absolute()), "files": pins(contents)}
    kind = {"kind": options.input_kind} if options.input_kind else {}
    known = with_options(Preprocessing(input=kind, tokenizer=tokenizer_at(options.tokenizer)), options)
    return model_of_graph(model, str(path), name=path.name.lower(), known=known, options=options, provenance=provenance)


def _convert(contents: dict[str, bytes], path: Path) -> bytes:
    """Run tf2onnx on a copy of the files; the process frees TensorFlow's hundreds of MiB when it ends."""
    with tempfile.TemporaryDirectory(prefix="headstart-") as name:
        copy, made = Path(name) / "saved-model", Path(name) / "model.onnx"
        for file, content in contents.items():
            (copy / file).parent.mkdir(parents=True, exist_ok=True)
            (copy / file).write_bytes(content)
        command = [sys.executable, "-P", "-m", "tf2onnx.convert", "--opset", str(OPSET), "--output", str(made)]
        environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "-1"}
        try:
            done = subprocess.run(
                [*command, "--saved-model", str(copy)],
                capture_output=True,
                text=True,
                check=False,
                env=environment,
                timeout=_DEADLINE_S,
            )
        except subprocess.TimeoutExpired as error:
            raise SourceError(
                f"tf2onnx had not converted {path} after {_DEADLINE_S} s. Export it as an ONNX file yourself."
            ) from error
        if done.returncode == 0 and made.is_file():
            return made.read_bytes()
        lines = done.stderr.strip().splitlines() or ["no message"]
        missing = next((word for word in ("tensorflow", "tf2onnx") if f"No module named '{word}" in done.stderr), None)
        if missing is not None:
            raise MissingExtraError(
                f"reading a SavedModel needs the library '{missing}', which is not installed. "
                'Install it with: pip install "headstart[tensorflow]"'
            )
        raise SourceError(f"tf2onnx cannot convert {path} ({lines[-1][:200]}). Export it as an ONNX file yourself.")
