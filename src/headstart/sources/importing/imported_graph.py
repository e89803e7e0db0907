"""An ONNX graph, whoever exported it, becomes a draft: its inputs are recognised, its feature layer is found, it is cut there."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from headstart.core.errors import OptionError, SourceError
from headstart.onnx_graph.editing import cut, input_types, layers
from headstart.sources.card import WEIGHTS
from headstart.sources.importing.feature_layer import choose_layer, pooling_of
from headstart.sources.importing.imported_model import ImportedModel
from headstart.sources.networks.onnx.onnx_file import STRUCTURE
from headstart.sources.preprocessors import modality_of
from headstart.sources.weights import to_safetensors

if TYPE_CHECKING:
    from collections.abc import Mapping

    import onnx

    from headstart.core.model import Batch
    from headstart.sources.importing.imported_model import ImportOptions

    Types = Mapping[str, tuple[int, tuple[int, ...]]]  # ONNX element type and shape of each input

_IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
_FLOAT, _UINT8, _INT32, _INT64, _HALF = 1, 2, 6, 7, 10
_N_TRACED, _N_TOKENS = 2, 6


@dataclass(frozen=True, kw_only=True)
class Preprocessing:
    """What is known of the preprocessing; None where it is not.

    Attributes
    ----------
    input : settings of a card's input; sizes of photos may be left out
    mean, std : of each colour from 0 to 1
    takes_bytes : whether the graph scales pixels itself
    tokenizer : content of a `tokenizer.json`
    pooling : of a layer of tokens, 'mean' or 'first'
    """

    input: Mapping[str, Any]
    mean: tuple[float, ...] | None = None
    std: tuple[float, ...] | None = None
    takes_bytes: bool = False
    tokenizer: bytes | None = None
    pooling: str | None = None


def model_of_graph(
    model: onnx.ModelProto,
    where: str,
    *,
    name: str,
    known: Preprocessing,
    options: ImportOptions,
    provenance: Mapping[str, Any],
    license: str = "",
) -> ImportedModel:
    """Make a draft of a graph of our opset.

    Raises
    ------
    OptionError
        Something has to be said by the user; the message says what.
    SourceError
        The graph takes other things than photos or token numbers, or does not run.
    """
    kind = known.input.get("kind") or options.input_kind or _guess_kind(model, where)
    types = input_types(model)
    _free_axes(model, 2 if kind == "tokens" else 1)
    if kind == "pixels":
        settings, network, notes = _pixel_settings(types, where, known, options)
    else:
        settings, network, notes = _token_settings(types, where, known)
    layer = choose_layer(model, layers(model, _trial(settings, network, types), where), options.feature_layer, where)
    pooling = pooling_of(layer)
    if pooling == "mean" and known.pooling:
        pooling = known.pooling
    structure, weights = cut(model, layer.value)
    used = {given.name for given in structure.graph.input}
    network = {
        **network,
        "preprocessors": {name: network["preprocessors"][name] for name in network["preprocessors"] if name in used},
    }
    files = {STRUCTURE: structure.SerializeToString(deterministic=True), WEIGHTS: to_safetensors(weights)}
    modality = modality_of(kind)
    assert modality is not None
    return ImportedModel(
        name=name,
        architecture="onnx-file",
        modality=modality,
        input=settings,
        network={**network, "feature_layer": layer.value, "pooling": pooling},
        files=files if known.tokenizer is None else {**files, "tokenizer.json": known.tokenizer},
        provenance=provenance,
        license=license,
        notes=(*notes, f"features: {layer.value} ({layer.operator}), pooling {pooling}"),
    )


def with_options(known: Preprocessing, options: ImportOptions) -> Preprocessing:
    """Let what the user says come before what files say."""
    settings = dict(known.input)
    if options.size_px is not None:
        settings |= {"height_px": options.size_px, "width_px": options.size_px}
    if options.max_tokens is not None:
        settings["max_tokens"] = options.max_tokens
    return replace(known, input=settings, mean=options.mean or known.mean, std=options.std or known.std)


def _guess_kind(model: onnx.ModelProto, where: str) -> str:
    types = input_types(model)
    if len(types) == 1 and all(len(shape) == 4 for _, shape in types.values()):
        return "pixels"
    if types and all(kind in (_INT32, _INT64) for kind, _ in types.values()):
        return "tokens"
    raise OptionError(f"whether {where} takes photos or texts cannot be told: {_list(types)}. Say --input-kind.")


def _pixel_settings(
    types: Types, where: str, known: Preprocessing, options: ImportOptions
) -> tuple[dict[str, Any], dict[str, Any], list[str]]:
    if len(types) != 1:
        raise SourceError(
            f"{where} should take photos as its one input, but has {_list(types)}. Export it without the others."
        )
    ((name, (kind, shape)),) = types.items()
    layout = {1: "nchw", 3: "nhwc"}.get(shape[1:].index(3) + 1 if len(shape) == 4 and 3 in shape[1:] else 0)
    if layout is None or kind not in (_FLOAT, _HALF, _UINT8):
        raise SourceError(
            f"{where} should take photos of shape (batch, 3, height, width) or (batch, height, width, 3), as float or uint8, "
            f"but has {_list(types)}. Export it so."
        )
    height, width = shape[2:4] if layout == "nchw" else shape[1:3]
    settings = {"kind": "pixels", "height_px": height, "width_px": width, "resize": "crop"} | dict(known.input)
    for side, fixed in (("height_px", height), ("width_px", width)):
        if not settings[side]:
            raise OptionError(f"{where} takes photos of any size. Say the one that it was trained on: --size-px 224.")
        if fixed and settings[side] != fixed:
            raise OptionError(
                f"{where} takes photos of {height} × {width} pixels, not of {settings[side]}. Leave --size-px out."
            )
    takes_bytes = known.takes_bytes or (kind == _UINT8 and options.mean is None)
    is_guess = known.mean is None and not takes_bytes
    mean, std = (None, None) if takes_bytes else (known.mean or _IMAGENET[0], known.std or _IMAGENET[1])
    notes = [f"colours are taken to be scaled by ImageNet's mean {mean} and deviation {std}"] if is_guess else []
    inputs = {name: {"role": "pixels", "type": kind}}
    return settings, {"preprocessors": inputs, "layout": layout, "mean": mean, "std": std}, notes


def _token_settings(types: Types, where: str, known: Preprocessing) -> tuple[dict[str, Any], dict[str, Any], list[str]]:
    if known.tokenizer is None:
        raise OptionError(f"{where} takes token numbers. Say which tokenizer makes them: --tokenizer tokenizer.json.")
    inputs = {}
    for name, (kind, _) in types.items():
        role = _role(name.lower(), alone=len(types) == 1)
        if role is None or kind not in (_INT32, _INT64):
            raise SourceError(
                f"{where} should take token numbers, their mask and their segments, but has {_list(types)}. Export it so."
            )
        inputs[name] = {"role": role, "type": kind}
    settings = {"kind": "tokens", "special_tokens": True} | dict(known.input)
    notes = []
    if "max_tokens" not in settings:
        settings["max_tokens"] = _max_tokens(known.tokenizer)
        notes.append(f"texts are cut at {settings['max_tokens']} tokens")
    return settings, {"preprocessors": inputs}, notes


def _role(name: str, *, alone: bool) -> str | None:
    if "mask" in name:
        return "mask"
    if "type" in name or "segment" in name:
        return "segments"
    return "ids" if alone or "id" in name or "token" in name else None


def _max_tokens(tokenizer: bytes) -> int:
    """Where the tokenizer itself cuts; 128, where most sentence encoders do, if it does not say."""
    try:
        return int(json.loads(tokenizer)["truncation"]["max_length"])
    except (KeyError, TypeError, ValueError):
        return 128


def _free_axes(model: onnx.ModelProto, n_axes: int) -> None:
    """Let batch, and length, be of any size; shapes that were written down for one size no longer hold."""
    del model.graph.value_info[:]
    stored = {array.name for array in model.graph.initializer}
    for given in model.graph.input:
        if given.name not in stored:
            for number, axis in enumerate(given.type.tensor_type.shape.dim[:n_axes]):
                axis.dim_param = ("batch", "length")[number]
    for output in model.graph.output:
        output.type.tensor_type.ClearField("shape")


def _trial(settings: Mapping[str, Any], network: Mapping[str, Any], types: Types) -> Batch:
    """Make two items of random content that the graph itself takes."""
    rng = np.random.default_rng(0)
    dtypes: dict[int, Any] = {
        _FLOAT: np.float32,
        _HALF: np.float16,
        _UINT8: np.uint8,
        _INT32: np.int32,
        _INT64: np.int64,
    }
    feeds: Batch = {}
    for name, role in network["preprocessors"].items():
        if role["role"] == "pixels":
            sides = (settings["height_px"], settings["width_px"])
            shape = (_N_TRACED, 3, *sides) if network["layout"] == "nchw" else (_N_TRACED, *sides, 3)
            array = rng.random(shape) * (255 if network["mean"] is None else 1)
        else:
            array = np.full((_N_TRACED, _N_TOKENS), 0 if role["role"] == "segments" else 1)
        feeds[name] = array.astype(dtypes[types[name][0]])
    return feeds


def _list(types: Types) -> str:
    words = [f"'{name}' of shape {tuple(n or '?' for n in shape)}" for name, (_, shape) in types.items()]
    return f"inputs {', '.join(words)}" if words else "no inputs"
