"""An ONNX file: photos or token numbers in, features somewhere inside."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from headstart.sources.foreign_files import ForeignFolder, pins
from headstart.sources.graph_draft import Preprocessing, draft_of_graph, with_wishes
from headstart.sources.onnx_graph import read_onnx
from headstart.sources.tokenizers import tokenizer_at

if TYPE_CHECKING:
    from headstart.sources.draft import Draft, Wishes


def accepts(thing: Any) -> bool:
    """Whether it is the path of a file that ends in .onnx."""
    return isinstance(thing, Path) and thing.suffix.lower() == ".onnx"


def read(thing: Any, wishes: Wishes) -> Draft:
    """Read the graph; see `draft_of_graph` for what may have to be said."""
    path = Path(thing)
    folder = ForeignFolder.of(path.parent)
    content = folder.read(path.name)
    model = read_onnx(content, path.name, folder)
    kind = {"kind": wishes.input_kind} if wishes.input_kind else {}
    known = Preprocessing(input=kind, tokenizer=tokenizer_at(wishes.tokenizer))
    provenance = {"format": "onnx-file", "path": str(path.absolute()), "files": pins({path.name: content})}
    return draft_of_graph(
        model, path.name, name=path.stem, known=with_wishes(known, wishes), wishes=wishes, provenance=provenance
    )
