"""Random weights of every network in miniature, with the names and the proportions of the real ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from headstart.sources.weights import State

WORDS = [
    "[PAD]",
    "[UNK]",
    "[CLS]",
    "[SEP]",
    "a",
    "is",
    "head",
    "start",
    "the",
    "race",
    "before",
    "advantage",
    "given",
    "good",
    "bad",
    "kiwi",
    "apple",
    "shelf",
]
Shapes = dict[str, tuple[int, ...]]
_N_BLOCKS_OF_STAGE = [1, 2, 2, 3, 3, 4, 1]


def state(architecture: str, seed: int = 0) -> State:
    """Draw the arrays of a network."""
    rng = np.random.default_rng(seed)
    shapes = _SHAPES[architecture]()
    arrays = {name: rng.normal(0, 0.2, shape).astype(np.float32) for name, shape in shapes.items()}
    return {name: np.abs(array) + 1 if name.endswith("running_var") else array for name, array in arrays.items()}


def _bert_shapes() -> Shapes:
    shapes: Shapes = {
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


def _lite_shapes() -> Shapes:
    shapes: Shapes = {"_conv_stem.weight": (4, 3, 3, 3), **_batch_norm("_bn0", 4)}
    block = 0
    for stage, repeats in enumerate(_N_BLOCKS_OF_STAGE):
        for _ in range(repeats):
            prefix, inner = f"_blocks.{block}.", 4 if stage == 0 else 8
            if stage > 0:
                shapes |= {f"{prefix}_expand_conv.weight": (inner, 4, 1, 1), **_batch_norm(f"{prefix}_bn0", inner)}
            shapes |= {f"{prefix}_depthwise_conv.weight": (inner, 1, 3, 3), **_batch_norm(f"{prefix}_bn1", inner)}
            shapes |= {f"{prefix}_project_conv.weight": (4, inner, 1, 1), **_batch_norm(f"{prefix}_bn2", 4)}
            block += 1
    return shapes | {"_conv_head.weight": (24, 4, 1, 1), **_batch_norm("_bn1", 24)}


def _llama_shapes() -> Shapes:
    shapes: Shapes = {"embed_tokens.weight": (len(WORDS), 16), "norm.weight": (16,)}
    for layer in range(2):
        prefix = f"layers.{layer}."
        shapes |= {f"{prefix}{name}.weight": (16,) for name in ("input_layernorm", "post_attention_layernorm")}
        shapes |= {f"{prefix}self_attn.{name}.weight": (16, 16) for name in ("q_proj", "o_proj")}
        shapes |= {f"{prefix}self_attn.{name}.weight": (8, 16) for name in ("k_proj", "v_proj")}
        shapes |= {f"{prefix}mlp.{name}.weight": (24, 16) for name in ("gate_proj", "up_proj")}
        shapes |= {f"{prefix}mlp.down_proj.weight": (16, 24)}
    return shapes


def _mobilenet_shapes() -> Shapes:
    shapes: Shapes = _layer("features.0.0", "features.0.1", (4, 3, 3, 3))
    for block in range(1, 18):
        prefix, inner = f"features.{block}.conv.", 4 if block == 1 else 6
        if block > 1:
            shapes |= _layer(f"{prefix}0.0", f"{prefix}0.1", (inner, 4, 1, 1))
        last = 1 if block == 1 else 2
        shapes |= _layer(f"{prefix}{last - 1}.0", f"{prefix}{last - 1}.1", (inner, 1, 3, 3))
        shapes |= _layer(f"{prefix}{last}", f"{prefix}{last + 1}", (4, inner, 1, 1))
    return shapes | _layer("features.18.0", "features.18.1", (12, 4, 1, 1)) | _dense("classifier.1", 5, 12)


def _resnet_shapes() -> Shapes:
    shapes: Shapes = _layer("conv1", "bn_conv1", (4, 3, 7, 7)) | {"conv1.bias": (4,)}
    for block, n_in in (("2a", 4), ("2b", 12), ("3a", 12), ("3b", 12)):
        branches = {"2a": (3, n_in, 1, 1), "2b": (3, 3, 3, 3), "2c": (12, 3, 1, 1), "1": (12, n_in, 1, 1)}
        for branch, shape in branches.items():
            if branch != "1" or block.endswith("a"):
                name = f"{block}_branch{branch}"
                shapes |= _layer(f"res{name}", f"bn{name}", shape) | {f"res{name}.bias": shape[:1]}
    return shapes


def _static_shapes() -> Shapes:
    return {"embedding.weight": (len(WORDS), 8)}


def _dense(name: str, n_out: int, n_in: int) -> Shapes:
    return {f"{name}.weight": (n_out, n_in), f"{name}.bias": (n_out,)}


def _norm(name: str) -> Shapes:
    return {f"{name}.weight": (16,), f"{name}.bias": (16,)}


def _batch_norm(name: str, n: int) -> Shapes:
    return {f"{name}.{part}": (n,) for part in ("weight", "bias", "running_mean", "running_var")}


def _layer(name: str, norm: str, shape: tuple[int, ...]) -> Shapes:
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
