"""Sources of a few kilobytes: every network in miniature with random weights, fetched from nowhere."""

from __future__ import annotations

import hashlib
import json
from functools import partial
from typing import TYPE_CHECKING, Any

from headstart.sources.card import WEIGHTS, Card, Download, Member
from headstart.sources.networks.onnx.onnx_file import STRUCTURE
from headstart.sources.preprocessors import modality_of
from headstart.sources.source import Source
from headstart.sources.weights import to_safetensors
from headstart.testing.tiny_weights import WORDS, state

if TYPE_CHECKING:
    from pathlib import Path

IMAGES = ("efficientnet-lite", "mobilenet-v2", "resnet")
_DIMENSIONS = {
    "bert": 16,
    "efficientnet-lite": 24,
    "llama": 16,
    "mobilenet-v2": 12,
    "onnx-file": 8,
    "resnet": 12,
    "static-embeddings": 8,
}
_PIXELS = {"kind": "pixels", "height_px": 32, "width_px": 32, "resize": "squash"}
_TOKENS = {"kind": "tokens", "max_tokens": 12, "special_tokens": False}
_TEXT_NETWORKS: dict[str, dict[str, object]] = {
    "bert": {"heads": 2},
    "llama": {"heads": 4, "rotary_base": 100.0, "epsilon": 1e-5},
    "onnx-file": {"inputs": {"ids": {"role": "ids", "type": 7}}, "pooling": "mean"},
    "static-embeddings": {"unknown_token": 1},
}


def tokenizer_json() -> bytes:
    """Write a tokenizer of whole words; those that it does not know are one token."""
    vocabulary = {word: i for i, word in enumerate(WORDS)}
    return json.dumps(
        {
            "version": "1.0",
            "truncation": None,
            "padding": None,
            "added_tokens": [],
            "normalizer": {"type": "Lowercase"},
            "pre_tokenizer": {"type": "Whitespace"},
            "post_processor": None,
            "decoder": None,
            "model": {"type": "WordLevel", "vocab": vocabulary, "unk_token": "[UNK]"},
        }
    ).encode()


def card(architecture: str, **changes: Any) -> Card:
    """Make a complete card whose pins are those of `files(architecture)`."""
    is_image = architecture in IMAGES
    preprocessing = _PIXELS if is_image else _TOKENS
    pins = {name: hashlib.sha256(content).hexdigest() for name, content in files(architecture).items()}
    members = {name: Member(path=f"tiny/{name}", sha256=pin) for name, pin in pins.items()}
    fields: dict[str, Any] = {
        "name": f"tiny-{architecture}",
        "modality": modality_of(str(preprocessing["kind"])),
        "architecture": architecture,
        "dimensions": _DIMENSIONS[architecture],
        "input": dict(preprocessing),
        "network": {"mean": [0.5] * 3, "std": [0.5] * 3} if is_image else _TEXT_NETWORKS[architecture],
        "parameters": 1000,
        "gmacs": 0.001,
        "license": "Apache-2.0",
        "trained_on": "nothing",
        "known_bias": "none",
        "languages": (),
        "paper": "none",
        "fingerprint": (0.0, 0.0, 0.0),
        "files": pins,
        "downloads": (
            Download(
                kind="pypi", package="tiny==1", archive="tiny-1-py3-none-any.whl", sha256="0" * 64, members=members
            ),
        ),
    }
    return Card(**{**fields, **changes})


def files(architecture: str) -> dict[str, bytes]:
    """Give the content of a source's files, by name."""
    made = {WEIGHTS: to_safetensors(state(architecture))}
    if architecture == "onnx-file":
        made[STRUCTURE] = _structure()
    return made if architecture in IMAGES else {**made, "tokenizer.json": tokenizer_json()}


def source(architecture: str, folder: Path) -> Source:
    """Make a source whose files lie in `folder`, without having been fetched."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files(architecture).items():
        (folder / name).write_bytes(content)
    return Source(card(architecture), folder)


bert = partial(source, "bert")
efficientnet_lite = partial(source, "efficientnet-lite")
llama = partial(source, "llama")
mobilenet_v2 = partial(source, "mobilenet-v2")
onnx_file = partial(source, "onnx-file")
resnet = partial(source, "resnet")
static_embeddings = partial(source, "static-embeddings")


def _structure() -> bytes:
    """A graph that looks vectors up in the table that lies in the weights."""
    from onnx import helper

    node = helper.make_node("Gather", ["embedding.weight", "ids"], ["vectors"])
    ids = helper.make_tensor_value_info("ids", 7, ["batch", "length"])
    graph = helper.make_graph([node], "network", [ids], [helper.make_empty_tensor_value_info("vectors")])
    model = helper.make_model(graph, ir_version=9, opset_imports=[helper.make_opsetid("", 18)])
    written: bytes = model.SerializeToString()
    return written
