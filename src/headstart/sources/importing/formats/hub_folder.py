"""A folder in the layout of model hubs: a transformers text encoder or image model, without its code."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from headstart.core.errors import SourceError
from headstart.onnx_graph.editing import read_onnx
from headstart.sources.card import WEIGHTS
from headstart.sources.importing import hub_settings
from headstart.sources.importing.config_limits import check_config
from headstart.sources.importing.hub_weights import ONNX_FILES, read_weights
from headstart.sources.importing.imported_graph import Preprocessing, model_of_graph, with_options
from headstart.sources.importing.imported_model import NOT_STATED, ImportedModel
from headstart.sources.importing.transformers_models import as_bert, export_model
from headstart.storage.untrusted_folder import UntrustedFolder, pins

if TYPE_CHECKING:
    import onnx

    from headstart.sources.importing.imported_model import ImportOptions

CONFIG = "config.json"
_CODE = ("auto_map", "custom_code", "custom_pipelines", "trust_remote_code")


def accepts(thing: Any) -> bool:
    """Whether it is a folder with a config.json."""
    return isinstance(thing, Path) and (thing / CONFIG).is_file()


def read(thing: Any, options: ImportOptions) -> ImportedModel:
    """Check the folder and build the network from its weights, as our own BERT or as an ONNX graph.

    Raises
    ------
    SourceError
        A file is missing, damaged, or requires custom code.
    MissingExtraError
        The model has to be built by transformers, which is not installed.
    """
    folder = UntrustedFolder.of(Path(thing))
    config = folder.json(CONFIG)
    _refuse_code(folder)
    check_config(config, f"{folder.path / CONFIG}")
    known = with_options(_preprocessing(folder, config, options), options)
    provenance = {"format": "hub-folder", "path": str(folder.path), "model_type": config.get("model_type", "")}
    card = hub_settings.model_card(folder)
    imported = _network(folder, config, known, options, provenance)
    return replace(
        imported,
        license=card.get("license", ""),
        trained_on=card.get("datasets", NOT_STATED),
        paper=card.get("arxiv", NOT_STATED),
    )


def _refuse_code(folder: UntrustedFolder) -> None:
    """Refuse a folder that requires custom code, before building anything."""
    for name in (CONFIG, "tokenizer_config.json", hub_settings.PHOTO_SETTINGS, "processor_config.json"):
        wanted = sorted(set(_CODE) & {key for key, value in folder.json(name).items() if value})
        if wanted:
            raise SourceError(
                f"{folder.path / name} asks for code of its own to run ('{wanted[0]}'). Headstart runs no code that comes with "
                "a model; use one with an architecture of transformers."
            )


def _preprocessing(folder: UntrustedFolder, config: dict[str, Any], options: ImportOptions) -> Preprocessing:
    if folder.has(hub_settings.PHOTO_SETTINGS) and options.input_kind != "tokens":
        return hub_settings.of_photos(folder, config)
    return hub_settings.of_texts(folder, config, options.tokenizer)


def _network(
    folder: UntrustedFolder,
    config: dict[str, Any],
    known: Preprocessing,
    options: ImportOptions,
    provenance: dict[str, Any],
) -> ImportedModel:
    name = folder.path.name.lower()
    graph = next((file for file in ONNX_FILES if folder.has(file)), None)
    weights = read_weights(folder)
    if weights is None:
        if graph is None:
            raise SourceError(
                f"{folder.path} has no weights: model.safetensors, its shards and their index, pytorch_model.bin or "
                "model.onnx were expected. Copy the whole folder."
            )
        content = folder.read(graph)
        inside = UntrustedFolder((folder.path / graph).parent, folder.root)
        model: onnx.ModelProto = read_onnx(content, graph, inside, trust_graphs=options.trust_graphs)
        provenance["files"] = pins({graph: content})
        return model_of_graph(model, graph, name=name, known=known, options=options, provenance=provenance)
    provenance["files"] = pins({CONFIG: folder.read(CONFIG), **weights.contents})
    if known.input["kind"] == "tokens" and known.pooling == "mean":
        state = as_bert(config, weights)
        if state is not None:
            assert known.tokenizer is not None
            return ImportedModel(
                name=name,
                architecture="bert",
                modality="text",
                input=known.input,
                network={"heads": config["num_attention_heads"]},
                files={WEIGHTS: state, "tokenizer.json": known.tokenizer},
                provenance=provenance,
            )
    model, pooling = export_model(folder, weights, known.input, trust_graphs=options.trust_graphs)
    known = replace(known, pooling=known.pooling or pooling)
    return model_of_graph(model, str(folder.path), name=name, known=known, options=options, provenance=provenance)
