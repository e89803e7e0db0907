"""A source as its makers publish it: the folder in the Hugging Face layout that the text peers read."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np

from headstart.core.strict_json import to_json
from headstart.sources import open_source
from headstart.sources.weights import n_layers, to_safetensors

if TYPE_CHECKING:
    from pathlib import Path

    from headstart.sources import Source
    from headstart.sources.weights import State

MARKS = {"pad": "[PAD]", "unk": "[UNK]", "cls": "[CLS]", "sep": "[SEP]", "mask": "[MASK]"}
STEPS = {"0": ("", "Transformer"), "1": ("1_Pooling", "Pooling"), "2": ("2_Normalize", "Normalize")}


def hub_folder(name: str, folder: Path) -> Path:
    """Write a BERT source for sentence-transformers: mean over the tokens, unit length."""
    source = open_source(name)
    state, files = source.state(), source.input.files()
    contents = {
        "config.json": _config(source, state),
        "tokenizer.json": {**json.loads(files["tokenizer.json"]), "truncation": None, "padding": None},
        **_settings(source),
    }
    for path, content in contents.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(to_json(content))
    (folder / "2_Normalize").mkdir()
    floats = {key: np.ascontiguousarray(array, np.float32) for key, array in state.items()}
    (folder / "model.safetensors").write_bytes(to_safetensors(floats))
    return folder


def _config(source: Source, state: State) -> dict[str, Any]:
    n_words, width = state["embeddings.word_embeddings.weight"].shape
    return {
        "architectures": ["BertModel"],
        "model_type": "bert",
        "vocab_size": n_words,
        "hidden_size": width,
        "num_hidden_layers": n_layers(state, "encoder.layer."),
        "num_attention_heads": source.card.network["heads"],
        "intermediate_size": state["encoder.layer.0.intermediate.dense.weight"].shape[0],
        "max_position_embeddings": state["embeddings.position_embeddings.weight"].shape[0],
    }


def _settings(source: Source) -> dict[str, Any]:
    """Of the tokenizer, and of what stands on the network."""
    max_tokens, width = source.card.input["max_tokens"], source.dimensions
    return {
        "tokenizer_config.json": {
            "tokenizer_class": "PreTrainedTokenizerFast",
            "model_max_length": max_tokens,
            **{f"{kind}_token": mark for kind, mark in MARKS.items()},
        },
        "modules.json": [
            {"idx": int(place), "name": place, "path": path, "type": f"sentence_transformers.models.{kind}"}
            for place, (path, kind) in STEPS.items()
        ],
        "sentence_bert_config.json": {"max_seq_length": max_tokens, "do_lower_case": False},
        "1_Pooling/config.json": {"word_embedding_dimension": width, "pooling_mode_mean_tokens": True},
    }
