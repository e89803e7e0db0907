"""A torch module, given in Python: traced once to an ONNX graph."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import numpy as np

from headstart.core.errors import OptionError
from headstart.sources.importing.imported_graph import Preprocessing, model_of_graph, with_options
from headstart.sources.importing.torch_export import export_module
from headstart.sources.tokenizers import tokenizer_at

if TYPE_CHECKING:
    from headstart.sources.importing.imported_model import ImportedModel, ImportOptions

_EXPECTED = (
    "example must be one float array of shape (n, 3, height, width) for photos, or a dict of input_ids and attention_mask, "
    "each (n, length), for texts, with n and length at least 2"
)


def accepts(thing: Any) -> bool:
    """Whether it is a torch module; if so, torch is loaded already."""
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(thing, torch.nn.Module)


def read(thing: Any, options: ImportOptions) -> ImportedModel:
    """Export the module; its one output, (n, d), (n, tokens, d) or (n, d, height, width), is the feature layer.

    Raises
    ------
    OptionError
        The example does not show what the module takes.
    SourceError
        The module cannot be exported.
    """
    example = _example(options.example)
    is_photos = len(example) == 1
    axes = {0: "batch"} if is_photos else {0: "batch", 1: "length"}
    smaller = {name: array[:1] if is_photos else array[:1, :-1] for name, array in example.items()}
    where = type(thing).__name__
    model = export_module(thing, example, smaller, axes=axes, where=where, trust_graphs=options.trust_graphs)
    known = Preprocessing(
        input={"kind": "pixels" if is_photos else "tokens"}, tokenizer=tokenizer_at(options.tokenizer)
    )
    provenance = {"format": "torch-module", "path": f"{type(thing).__module__}.{where}", "files": {}}
    return model_of_graph(
        model, where, name=where.lower(), known=with_options(known, options), options=options, provenance=provenance
    )


def _example(given: Any) -> dict[str, Any]:
    if given is None:
        raise OptionError(f"a torch module needs an example of what it takes: {_EXPECTED}.")
    named = dict(given) if isinstance(given, dict) else {"pixels": given}
    arrays = {name: np.asarray(array) for name, array in named.items()}
    shapes = [array.shape for array in arrays.values()]
    is_photos = set(arrays) == {"pixels"} and len(shapes[0]) == 4 and shapes[0][0] >= 2
    is_texts = list(arrays) == ["input_ids", "attention_mask"] and all(
        len(shape) == 2 and min(shape) >= 2 for shape in shapes
    )
    if not (is_photos or is_texts):
        raise OptionError(
            f"{_EXPECTED}, got {', '.join(f'{name} {shape}' for name, shape in zip(arrays, shapes, strict=True))}."
        )
    return arrays
