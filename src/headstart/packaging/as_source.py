"""A bundle as a source: yesterday's model gives the features for today's.

It stands here and not beside the other formats because a bundle is known to this stage alone.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from headstart.core.errors import BundleError, SourceError, UserError
from headstart.packaging.adapter import ADAPTER, read_adapter
from headstart.packaging.manifest import MANIFEST, Sealed, is_bundle, open_sealed
from headstart.sources.preprocessors.joint import JointPreprocessor, prefix_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    import onnx

    from headstart.sources.importing.imported_model import ImportedModel, ImportOptions

_FEATURES = "features"
_SAID_OF_PARENT = ("name", "task", "source", "created", "deployed")


def accepts(thing: Any) -> bool:
    """Whether it is the folder of a bundle."""
    return isinstance(thing, Path) and (thing / MANIFEST).is_file() and is_bundle(thing)


def read(thing: Any, options: ImportOptions) -> ImportedModel:
    """Take the bundle's graph up to its output `features`; the bundle is recorded as the parent.

    Of several pretrained networks the first one is taken, which is the tuned one if one is. The network of a tuned source is rather made again from its own parent and its adapter, where both are at hand: so it can be
    tuned further, from these weights on.

    Raises
    ------
    BundleError
        A byte of it has changed.
    SourceError
        It holds a baseline, which has no features of a pretrained network.
    """
    import json
    from dataclasses import replace

    from headstart.onnx_graph.editing import read_onnx
    from headstart.sources.importing.imported_graph import Preprocessing, model_of_graph

    path = Path(thing)
    sealed = open_sealed(path)
    manifest, content = sealed.content, sealed.read("model.onnx")
    model = read_onnx(content, "model.onnx", trust_graphs=options.trust_graphs)
    if _FEATURES not in {output.name for output in model.graph.output}:
        raise SourceError(
            f"{path} holds '{manifest['deployed']}', which has no features of a pretrained network. Add another bundle."
        )
    features = _keep_first_network(model)
    kind, settings, prefix = _input_of_the_first(manifest["input"])
    tokenizer = manifest["input"]["files"].get(f"{prefix}tokenizer.json")
    card = _card(sealed.read("report.json"), path)
    known = Preprocessing(
        input={"kind": kind, **settings},
        takes_bytes=True,
        tokenizer=None if tokenizer is None else sealed.read(tokenizer),
    )
    parent = {key: manifest[key] for key in (*_SAID_OF_PARENT, "tuned") if key in manifest}
    provenance = {"format": "bundle", "path": str(path.absolute()), "files": manifest["files"], "parent": parent}
    imported = model_of_graph(
        model,
        str(path),
        name=path.name.lower(),
        known=known,
        options=replace(options, feature_layer=features),
        provenance=json.loads(json.dumps(provenance)),
    )
    said = {field: card[field] for field in ("license", "trained_on", "known_bias", "paper") if card.get(field)}
    return _trainable(replace(imported, **said), sealed)


def _keep_first_network(model: onnx.ModelProto) -> str:
    """Keep the first pretrained network alone, and return the value of its features: all, or what is joined there first."""
    from headstart.onnx_graph.editing import input_types, keep

    keep(model, _FEATURES)
    if all(name.startswith(prefix_of(0)) or not name[0].isdigit() for name in input_types(model)):
        return _FEATURES
    makers = {value: node for node in model.graph.node for value in node.output}
    joined = makers[_FEATURES]
    while joined.op_type != "Concat":  # a compressed graph has casts between
        joined = makers[joined.input[0]]
    first = str(joined.input[0])
    keep(model, first)
    return first


def _input_of_the_first(described: Mapping[str, Any]) -> tuple[str, Mapping[str, Any], str]:
    """Kind and settings of the first network's preprocessing, and the prefix of the names of its files."""
    if described["kind"] != JointPreprocessor.kind:
        return described["kind"], described["settings"], ""
    first = described["settings"]["parts"][0]
    return first["kind"], first["settings"], prefix_of(0)


def _trainable(imported: ImportedModel, sealed: Sealed) -> ImportedModel:
    """The same with the network of the tuned source's own parent instead of the graph, or with a note why that cannot be."""
    from dataclasses import replace

    from headstart.sources import cards, open_source
    from headstart.sources.card import WEIGHTS
    from headstart.sources.weights import to_safetensors

    if ADAPTER not in sealed.content["files"]:
        return imported
    try:
        adapter = read_adapter(sealed.read(ADAPTER))
        name = adapter.parent["name"]
        card = next(
            (card for card in cards() if card.name == name), None
        )  # a bundle must not say what a hub is asked for
        if card is None:
            raise SourceError(f"the source '{name}' that it was tuned from is not known here.")
        tuned = adapter.into(open_source(card))
    except UserError as error:
        return replace(
            imported, notes=(*imported.notes, f"its features can be used, but it cannot be tuned further: {error}")
        )
    return replace(
        imported,
        architecture=card.architecture,
        input=card.input,
        network=card.network,
        files={**tuned.input.files(), WEIGHTS: to_safetensors(tuned.state())},
        notes=(f"the network of {name} with the weights of this bundle: it can be tuned further",),
    )


def _card(content: bytes, path: Path) -> dict[str, Any]:
    """The card of the network that the bundle stands on, of a report of any format."""
    import json

    from headstart.core.report import read_sections

    try:
        report = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise BundleError(f"{path / 'report.json'} is not readable JSON ({error}). Make the bundle again.") from error
    return (read_sections(report).get("package") or {}).get("card") or {} if isinstance(report, dict) else {}
