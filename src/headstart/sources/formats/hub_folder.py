"""A folder in the layout of model hubs: a transformers text encoder or image model, never its code."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from headstart.core.errors import SourceError
from headstart.sources import hub_settings
from headstart.sources.card import WEIGHTS
from headstart.sources.draft import NOT_STATED, Draft
from headstart.sources.foreign_files import ForeignFolder, pins
from headstart.sources.graph_draft import Preprocessing, draft_of_graph, with_wishes
from headstart.sources.hub_weights import ONNX_FILES, read_weights
from headstart.sources.onnx_graph import read_onnx
from headstart.sources.transformers_models import as_bert, export_model

if TYPE_CHECKING:
    import onnx

    from headstart.sources.draft import Wishes

CONFIG = "config.json"
_CODE = ("auto_map", "custom_code", "custom_pipelines", "trust_remote_code")


def accepts(thing: Any) -> bool:
    """Whether it is a folder with a config.json."""
    return isinstance(thing, Path) and (thing / CONFIG).is_file()


def read(thing: Any, wishes: Wishes) -> Draft:
    """Check the folder, build the network from its weights, and give it as BERT of ours or as an ONNX graph.

    Raises
    ------
    SourceError
        A file is missing, damaged, or wants code of its own to run.
    MissingExtraError
        The model has to be built by transformers, which is not installed.
    """
    folder = ForeignFolder.of(Path(thing))
    config = folder.json(CONFIG)
    _refuse_code(folder)
    known = with_wishes(_preprocessing(folder, config, wishes), wishes)
    provenance = {"format": "hub-folder", "path": str(folder.path), "model_type": config.get("model_type", "")}
    card = hub_settings.model_card(folder)
    draft = _network(folder, config, known, wishes, provenance)
    return replace(
        draft,
        licence=card.get("license", ""),
        trained_on=card.get("datasets", NOT_STATED),
        paper=card.get("arxiv", NOT_STATED),
    )


def _refuse_code(folder: ForeignFolder) -> None:
    """Refuse a folder that asks for code of its own, before anything of it is built."""
    for name in (CONFIG, "tokenizer_config.json", "preprocessor_config.json", "processor_config.json"):
        wanted = sorted(set(_CODE) & {key for key, value in folder.json(name).items() if value})
        if wanted:
            raise SourceError(
                f"{folder.path / name} asks for code of its own to run ('{wanted[0]}'). Headstart runs no code that comes with "
                "a model; use one whose architecture transformers has."
            )


def _preprocessing(folder: ForeignFolder, config: dict[str, Any], wishes: Wishes) -> Preprocessing:
    if folder.has("preprocessor_config.json") and wishes.input_kind != "tokens":
        return hub_settings.of_photos(folder, config)
    return hub_settings.of_texts(folder, config, wishes.tokenizer)


def _network(
    folder: ForeignFolder, config: dict[str, Any], known: Preprocessing, wishes: Wishes, provenance: dict[str, Any]
) -> Draft:
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
        inside = ForeignFolder((folder.path / graph).parent, folder.root)
        model: onnx.ModelProto = read_onnx(content, graph, inside)
        provenance["files"] = pins({graph: content})
        return draft_of_graph(model, graph, name=name, known=known, wishes=wishes, provenance=provenance)
    provenance["files"] = pins({CONFIG: folder.read(CONFIG), **weights.contents})
    if known.input["kind"] == "tokens" and known.pooling == "mean":
        state = as_bert(config, weights)
        if state is not None:
            assert known.tokenizer is not None
            return Draft(
                name=name,
                architecture="bert",
                modality="text",
                input=known.input,
                network={"heads": config["num_attention_heads"]},
                files={WEIGHTS: state, "tokenizer.json": known.tokenizer},
                provenance=provenance,
            )
    model, pooling = export_model(folder, weights, known.input)
    known = replace(known, pooling=known.pooling or pooling)
    return draft_of_graph(model, str(folder.path), name=name, known=known, wishes=wishes, provenance=provenance)
