"""An ONNX file that takes photos or token ids."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from headstart.onnx_graph.editing import read_onnx
from headstart.sources.importing.imported_graph import Preprocessing, model_of_graph, with_options
from headstart.sources.tokenizers import tokenizer_at
from headstart.storage.untrusted_folder import UntrustedFolder, pins

if TYPE_CHECKING:
    from headstart.sources.importing.imported_model import ImportedModel, ImportOptions


def accepts(thing: Any) -> bool:
    """Whether it is the path of a file that ends in .onnx."""
    return isinstance(thing, Path) and thing.suffix.lower() == ".onnx"


def read(thing: Any, options: ImportOptions) -> ImportedModel:
    """Read the graph; see `model_of_graph` for options that may be required."""
    path = Path(thing)
    folder = UntrustedFolder.of(path.parent)
    content = folder.read(path.name)
    model = read_onnx(content, path.name, folder, trust_graphs=options.trust_graphs)
    kind = {"kind": options.input_kind} if options.input_kind else {}
    known = Preprocessing(input=kind, tokenizer=tokenizer_at(options.tokenizer))
    provenance = {"format": "onnx-file", "path": str(path.absolute()), "files": pins({path.name: content})}
    return model_of_graph(
        model, path.name, name=path.stem, known=with_options(known, options), options=options, provenance=provenance
    )
