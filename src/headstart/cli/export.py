"""headstart export: a bundle in the formats of others."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from headstart.cli.options import BundlePath, Json, Trust, TrustGraphs
from headstart.cli.output import emit, say
from headstart.core.errors import OptionError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from headstart.packaging import Bundle


def export(
    bundle: BundlePath,
    onnx: Annotated[
        Path | None, typer.Option("--onnx", help="Write one ONNX file that takes photos or texts as they are.")
    ] = None,
    ort: Annotated[
        Path | None, typer.Option("--ort", help="The same in ONNX Runtime's own format, which builds for phones read.")
    ] = None,
    triton: Annotated[
        Path | None, typer.Option("--triton", metavar="DIR", help="Put the model into this repository of Triton's.")
    ] = None,
    kserve: Annotated[
        Path | None,
        typer.Option("--kserve", metavar="DIR", help="Write an InferenceService of KServe's, and its model."),
    ] = None,
    hub: Annotated[
        Path | None, typer.Option("--hub", metavar="DIR", help="Write a Hugging Face folder; nothing is pushed.")
    ] = None,
    web: Annotated[
        Path | None, typer.Option("--web", help="Write a static page that runs the model in the browser.")
    ] = None,
    check: Annotated[
        str | None, typer.Option("--check", metavar="DATA", help="Compare with BUNDLE on up to 200 items of DATA.")
    ] = None,
    trust: Trust = None,
    *,
    tensor_inputs: Annotated[
        bool, typer.Option("--tensor-inputs", help="Standard operators alone: takes pixels or token numbers.")
    ] = False,
    trust_graphs: TrustGraphs = False,
    as_json: Json = False,
) -> None:
    """Write BUNDLE in the formats of others, checked against it."""
    from headstart.packaging import load_bundle
    from headstart.packaging.exports import ExportOptions
    from headstart.packaging.exports import check as check_format
    from headstart.packaging.exports import export as write

    named = {"onnx": onnx, "ort": ort, "triton": triton, "kserve": kserve, "hub": hub, "web": web}
    wanted = {name: out for name, out in named.items() if out is not None}
    if not wanted:
        raise OptionError("no format was named. Say what to write, such as --onnx model.onnx.")
    model = load_bundle(bundle, trust=trust, trust_graphs=trust_graphs or None)
    options = ExportOptions(items=_items(model, check), tensor_inputs=tensor_inputs)
    for name, out in wanted.items():
        check_format(model, name, out, options)
    records = [write(model, name, out, options) for name, out in wanted.items()]
    for record in records:
        say(record["sentence"])
    if as_json:
        emit(records)


def _items(model: Bundle, data: str | None) -> Sequence[Any]:
    """Take real items, spread over the whole of `data`."""
    if data is None:
        return ()
    from headstart.data import read_items
    from headstart.packaging.exports import MAX_CHECKED

    found = read_items(data, modality=model.reads, learnt=model.input_column).items
    n_taken = min(len(found), MAX_CHECKED)
    return [found[position * len(found) // n_taken] for position in range(n_taken)]
