"""Models of some kilobytes in the layout of a hub, with seeded weights: what is tested is the format."""

from __future__ import annotations

import json
import struct
from pathlib import Path

import numpy as np

import tiny
from headstart.sources.weights import to_safetensors

BERT = {
    "model_type": "bert",
    "onnx_networks": ["BertModel"],
    "vocab_size": len(tiny.WORDS),
    "hidden_size": 16,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 32,
    "max_position_embeddings": 12,
    "type_vocab_size": 2,
}
PHOTOS = {
    "size": {"shortest_edge": 40},
    "do_center_crop": True,
    "crop_size": {"height": 32, "width": 32},
    "image_mean": [0.5, 0.4, 0.3],
    "image_std": [0.25, 0.2, 0.3],
}
README = "---\nlicense: mit\ndatasets:\n- fruit\n---\n# A model\n"


def bert(folder: Path, **config: object) -> Path:
    """A BERT written without transformers."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps({**BERT, **config}))
    (folder / "model.safetensors").write_bytes(to_safetensors(tiny.state("bert")))
    (folder / "tokenizer.json").write_bytes(tiny.tokenizer_json())
    (folder / "README.md").write_text(README)
    return folder


def saved(folder: Path, kind: str, **config: object) -> object:
    """A model that transformers has written, and the model itself."""
    import torch
    import transformers
    from transformers.utils import logging

    logging.disable_progress_bar()
    small = {
        "DistilBert": {"vocab_size": len(tiny.WORDS), "dim": 16, "n_layers": 1, "n_heads": 2, "hidden_dim": 32},
        "Bert": {key: value for key, value in BERT.items() if key not in ("model_type", "onnx_networks")},
        "ViT": {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 32}
        | {"image_size": 32, "patch_size": 8},
        "ResNet": {"embedding_size": 8, "hidden_sizes": [8, 16], "depths": [1, 1], "layer_type": "basic"},
    }[kind]
    torch.manual_seed(0)
    made = getattr(transformers, f"{kind}Model")(getattr(transformers, f"{kind}Config")(**{**small, **config}))
    made.train(mode=False).save_pretrained(folder)
    (folder / "README.md").write_text(README)
    if kind in ("ViT", "ResNet"):
        (folder / "preprocessor_config.json").write_text(json.dumps(PHOTOS))
    else:
        (folder / "tokenizer.json").write_bytes(tiny.tokenizer_json())
    return made


def shard(folder: Path) -> None:
    """Split the weights of a folder in two files with an index."""
    from headstart.sources.weights import from_safetensors

    state = from_safetensors((folder / "model.safetensors").read_bytes())
    (folder / "model.safetensors").unlink()
    names = sorted(state)
    places = {name: f"model-0000{1 + (i % 2)}-of-00002.safetensors" for i, name in enumerate(names)}
    for file in set(places.values()):
        (folder / file).write_bytes(to_safetensors({n: state[n] for n in names if places[n] == file}))
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": places}))


def snapshot(cache: Path, repository: str, commit: str) -> Path:
    """An empty snapshot in a local hub folder, which `main` points to."""
    root = cache / f"models--{repository.replace('/', '--')}"
    (root / "refs").mkdir(parents=True)
    (root / "refs" / "main").write_text(commit)
    folder = root / "snapshots" / commit
    folder.mkdir(parents=True)
    return folder


def onnx_photos(path: Path, *, head: str = "softmax", batch: object = "batch", output: str = "scores") -> Path:
    """A small classifier of photos as an ONNX file: convolution, pool, dense layer; `head` 'none' leaves its end bare."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    rng = np.random.default_rng(0)
    arrays = {"kernel": rng.normal(0, 0.3, (8, 3, 3, 3)), "dense": rng.normal(0, 0.3, (8, 4))}
    nodes = [
        helper.make_node("Conv", ["x", "kernel"], ["maps"], name="conv", pads=[1, 1, 1, 1]),
        helper.make_node("Relu", ["maps"], ["active"]),
        helper.make_node("GlobalAveragePool", ["active"], ["means"]),
        helper.make_node("Flatten", ["means"], ["pooled_maps"], name="flatten"),
        helper.make_node("MatMul", ["pooled_maps", "dense"], ["z" if head == "softmax" else output], name="head"),
    ]
    if head == "softmax":
        nodes.append(helper.make_node("Softmax", ["z"], [output]))
    graph = helper.make_graph(
        nodes,
        "classifier",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [batch, 3, 32, 32])],
        [helper.make_tensor_value_info(output, TensorProto.FLOAT, [batch, 4])],
        [numpy_helper.from_array(array.astype(np.float32), name) for name, array in arrays.items()],
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    onnx.save(helper.make_model(graph, ir_version=9, opset_imports=[helper.make_opsetid("", 17)]), path)
    return path


def cut_header(content: bytes) -> bytes:
    """A safetensors file that lost its end."""
    (length,) = struct.unpack("<Q", content[:8])
    return content[: 8 + length + 16]
