"""Build the network of a hub-layout folder: BERT as our own graph, others with transformers, exported to ONNX."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from headstart.core.errors import SourceError, first_line, require
from headstart.sources.importing.torch_export import export_module
from headstart.sources.weights import to_safetensors

if TYPE_CHECKING:
    from collections.abc import Mapping

    import onnx

    from headstart.core.model import Batch
    from headstart.sources.importing.hub_weights import HubWeights
    from headstart.storage.untrusted_folder import UntrustedFolder

_BERT = {"model_type": "bert", "hidden_act": "gelu", "layer_norm_eps": 1e-12, "position_embedding_type": "absolute"}
_DEFAULTS = {"hidden_act": "gelu", "layer_norm_eps": 1e-12, "position_embedding_type": "absolute"}
_N_TOKENS = 7


def as_bert(config: Mapping[str, Any], weights: HubWeights) -> bytes | None:
    """The weights under the names of our own BERT, as safetensors; None if the network is not a BERT.

    Raises
    ------
    SourceError
        The config says BERT, but an array is missing or has another shape.
    """
    stated = {key: config.get(key, _DEFAULTS.get(key)) for key in _BERT}
    if stated != _BERT or config.get("is_decoder"):
        return None
    try:
        found = {_plain(name): array.astype(np.float32) for name, array in weights.state().items()}
    except SourceError:  # number types that NumPy lacks, such as bfloat16: transformers reads them
        return None
    _check_sizes(config)
    shapes = _bert_shapes(config)
    for name, shape in shapes.items():
        if name not in found:
            raise SourceError(
                f"the weights lack '{name}', which config.json asks for. Copy config.json and weights of one model."
            )
        if found[name].shape != shape:
            raise SourceError(
                f"'{name}' has the shape {found[name].shape}, expected {shape} by config.json. Copy config.json and weights of "
                "one model."
            )
    return to_safetensors({name: np.ascontiguousarray(found[name]) for name in shapes})


def export_model(
    folder: UntrustedFolder, weights: HubWeights, settings: Mapping[str, Any], *, trust_graphs: bool | None = None
) -> tuple[onnx.ModelProto, str]:
    """Build the model that the config names, only from checked bytes, and export it; returns the graph and the pooling.

    Raises
    ------
    SourceError
        transformers does not know the architecture, or the weights do not fit it.
    MissingExtraError
        transformers is not installed.
    """
    require("transformers", extra="hub", purpose=f"building the model of {folder.path}")
    torch = require("torch", extra="train", purpose="building a model")
    model = _build(folder, weights)
    if getattr(model.config, "is_encoder_decoder", False):
        model = model.get_encoder()
    rng = np.random.default_rng(0)
    if settings["kind"] == "pixels":
        sides = (settings["height_px"], settings["width_px"])
        example, check = (_photo_batch(rng, n, sides) for n in (2, 1))
        has_class_token = any(name.endswith("cls_token") for name, _ in model.named_parameters())
        pooling, axes = ("first" if has_class_token else "mean"), {0: "batch"}
    else:
        n_words = int(model.config.vocab_size)
        example, check = (_token_batch(rng, n_words, n, length) for n, length in ((2, _N_TOKENS), (3, _N_TOKENS - 2)))
        pooling, axes = "mean", {0: "batch", 1: "length"}

    class LastLayer(torch.nn.Module):  # type: ignore[misc, name-defined]
        """The model's last hidden state, with positional arguments."""

        def __init__(self) -> None:
            super().__init__()
            self.model = model

        def forward(self, *arrays: Any) -> Any:
            names = ("pixel_values",) if len(arrays) == 1 else ("input_ids", "attention_mask")
            return self.model(**dict(zip(names, arrays, strict=True)), return_dict=True).last_hidden_state

    where = str(folder.path)
    return export_module(LastLayer(), example, check, axes=axes, where=where, trust_graphs=trust_graphs), pooling


def _build(folder: UntrustedFolder, weights: HubWeights) -> Any:
    import torch
    import transformers
    from transformers.utils import logging

    level = logging.get_verbosity()
    logging.set_verbosity_error()  # type: ignore[no-untyped-call]
    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    try:
        with tempfile.TemporaryDirectory(prefix="headstart-") as name:  # contains only checked files
            for file, content in {"config.json": folder.read("config.json"), **weights.safe}.items():
                (Path(name) / file).write_bytes(content)
            model, report = transformers.AutoModel.from_pretrained(
                name,
                local_files_only=True,
                trust_remote_code=False,
                use_safetensors=True,
                dtype=torch.float32,
                attn_implementation="eager",
                output_loading_info=True,
            )
    except Exception as error:  # transformers can raise anything for an unusable config or weights
        raise SourceError(f"transformers cannot build the model of {folder.path} ({first_line(error)}).") from error
    finally:
        logging.set_verbosity(level)
    missing = sorted(name for name in report["missing_keys"] if "pooler" not in name)
    wrong = sorted(str(key) for key in report["mismatched_keys"])
    if missing or wrong:
        problem = f"lack '{missing[0]}'" if missing else f"have another shape than config.json says: {wrong[0]}"
        raise SourceError(f"the weights of {folder.path} {problem}. Copy config.json and weights of one model.")
    return model.train(mode=False)


def _photo_batch(rng: np.random.Generator, n: int, sides: tuple[int, int]) -> Batch:
    return {"pixels": rng.random((n, 3, *sides), dtype=np.float32)}


def _token_batch(rng: np.random.Generator, n_words: int, n: int, length: int) -> Batch:
    mask = np.ones((n, length), np.int64)
    mask[-1, length // 2 :] = 0
    return {"input_ids": rng.integers(0, n_words, (n, length)), "attention_mask": mask}


def _plain(name: str) -> str:
    name = name.removeprefix("bert.")
    return name.replace("LayerNorm.gamma", "LayerNorm.weight").replace("LayerNorm.beta", "LayerNorm.bias")


def _check_sizes(config: Mapping[str, Any]) -> None:
    for name in ("hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads"):
        if type(config.get(name)) is not int or config[name] < 1:
            raise SourceError(
                f"'{name}' in config.json must be a whole number from 1, got {config.get(name)!r:.40}. Copy config.json and "
                "weights of one model."
            )
    if config["hidden_size"] % config["num_attention_heads"]:
        raise SourceError(
            f"{config['hidden_size']} features in config.json cannot be shared by {config['num_attention_heads']} heads. Copy "
            "config.json and weights of one model."
        )


def _bert_shapes(config: Mapping[str, Any]) -> dict[str, tuple[int, ...]]:
    width, inner = config["hidden_size"], config["intermediate_size"]
    n_rows = {"word": "vocab_size", "position": "max_position_embeddings", "token_type": "type_vocab_size"}
    shapes: dict[str, tuple[int, ...]] = {
        f"embeddings.{table}_embeddings.weight": (config.get(key, 2), width) for table, key in n_rows.items()
    }
    dense = {f"attention.self.{part}": (width, width) for part in ("query", "key", "value")}
    dense |= {
        "attention.output.dense": (width, width),
        "intermediate.dense": (inner, width),
        "output.dense": (width, inner),
    }
    norms = ["embeddings.LayerNorm"]
    for layer in range(config["num_hidden_layers"]):
        prefix = f"encoder.layer.{layer}."
        shapes |= {f"{prefix}{name}.weight": shape for name, shape in dense.items()}
        shapes |= {f"{prefix}{name}.bias": shape[:1] for name, shape in dense.items()}
        norms += [f"{prefix}attention.output.LayerNorm", f"{prefix}output.LayerNorm"]
    return shapes | {f"{norm}.{part}": (width,) for norm in norms for part in ("weight", "bias")}
