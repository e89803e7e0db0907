"""Read any ONNX graph as an imported model: recognize its inputs, find its feature layer, and cut it there."""

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
MAX_SIDE_PX = 4_096
_N_TRACED, _N_TOKENS = 2, 6


@dataclass(frozen=True, kw_only=True)
class Preprocessing:
    """What is known about the preprocessing; None for what is unknown.

    Attributes
    ----------
    input : settings of a card's input; sizes of photos may be missing
    mean, std : of each color channel from 0 to 1
    takes_bytes : whether the graph scales pixels itself
    tokenizer : content of a `tokenizer.json`
    pooling : over tokens, 'mean' or 'first'
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
    """Make an imported model of a graph with our opset.

    Raises
    ------
    OptionError
        The user has to give an option; the message says which.
    SourceError
        The graph takes something else than photos or token ids, or does not run.
    """
    kind = known.input.get("kind") or options.input_kind or _guess_kind(model, where)
    types = input_types(model)
    _free_axes(model, 2 if kind == "tokens" else 1)
    if kind == "pixels":
        settings, network, notes = _pixel_settings(types, where, known, options)
    else:
        settings, network, notes = _token_settings(types, where, known)
    layer = choose_layer(
        model,
        layers(model, _example_batch(settings, network, types), where, trust_graphs=options.trust_graphs),
        options.feature_layer,
        where,
    )
    pooling = pooling_of(layer)
    if pooling == "mean" and known.pooling:
        pooling = known.pooling
    structure, weights = cut(model, layer.value)
    used = {one.name for one in structure.graph.input}
    network = {
        **network,
        "inputs": {name: network["inputs"][name] for name in network["inputs"] if name in used},
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
    """Let the user's options override what files state."""
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
    raise OptionError(f"it is unclear whether {where} takes photos or texts: {_list(types)}. Give --input-kind.")


def _pixel_settings(
    types: Types, where: str, known: Preprocessing, options: ImportOptions
) -> tuple[dict[str, Any], dict[str, Any], list[str]]:
    if len(types) != 1:
        raise SourceError(
            f"{where} should take photos as its one input, got {_list(types)}. Export it without the others."
        )
    ((name, (kind, shape)),) = types.items()
    layout = {1: "nchw", 3: "nhwc"}.get(shape[1:].index(3) + 1 if len(shape) == 4 and 3 in shape[1:] else 0)
    if layout is None or kind not in (_FLOAT, _HALF, _UINT8):
        raise SourceError(
            f"{where} should take photos of shape (batch, 3, height, width) or (batch, height, width, 3), as float or uint8, "
            f"got {_list(types)}. Export it in that form."
        )
    height, width = shape[2:4] if layout == "nchw" else shape[1:3]
    settings: dict[str, Any] = {"kind": "pixels", "height_px": height, "width_px": width, "resize": "crop"}
    settings |= known.input
    for side, fixed in (("height_px", height), ("width_px", width)):
        if not settings[side]:
            raise OptionError(f"{where} takes photos of any size. Give the one that it was trained on: --size-px 224.")
        if not 0 < int(settings[side]) <= MAX_SIDE_PX:
            raise SourceError(
                f"{where} takes photos of {settings['height_px']} × {settings['width_px']} pixels; {MAX_SIDE_PX} a side are allowed."
            )
        if fixed and settings[side] != fixed:
            raise OptionError(
                f"{where} takes photos of {height} × {width} pixels, not of {settings[side]}. Leave --size-px out."
            )
    takes_bytes = known.takes_bytes or (kind == _UINT8 and options.mean is None)
    is_guess = known.mean is None and not takes_bytes
    mean, std = (None, None) if takes_bytes else (known.mean or _IMAGENET[0], known.std or _IMAGENET[1])
    notes = (
        [f"colors are assumed to be scaled by ImageNet's mean {mean} and standard deviation {std}"] if is_guess else []
    )
    inputs = {name: {"role": "pixels", "type": kind}}
    return settings, {"inputs": inputs, "layout": layout, "mean": mean, "std": std}, notes


def _token_settings(types: Types, where: str, known: Preprocessing) -> tuple[dict[str, Any], dict[str, Any], list[str]]:
    if known.tokenizer is None:
        raise OptionError(f"{where} takes token ids. Give the tokenizer that makes them: --tokenizer tokenizer.json.")
    inputs = {}
    for name, (kind, _) in types.items():
        role = _role(name.lower(), alone=len(types) == 1)
        if role is None or kind not in (_INT32, _INT64):
            raise SourceError(
                f"{where} should take token ids, their mask and their segments, got {_list(types)}. Export it in that form."
            )
        inputs[name] = {"role": role, "type": kind}
    settings = {"kind": "tokens", "special_tokens": True} | dict(known.input)
    notes = []
    if "max_tokens" not in settings:
        settings["max_tokens"] = _max_tokens(known.tokenizer)
        notes.append(f"texts are truncated at {settings['max_tokens']} tokens")
    return settings, {"inputs": inputs}, notes


def _role(name: str, *, alone: bool) -> str | None:
    if "mask" in name:
        return "mask"
    if "type" in name or "segment" in name:
        return "segments"
    return "ids" if alone or "id" in name or "token" in name else None


def _max_tokens(tokenizer: bytes) -> int:
    """The tokenizer's own limit; 128, as in most sentence encoders, if it has none."""
    try:
        return int(json.loads(tokenizer)["truncation"]["max_length"])
    except (KeyError, TypeError, ValueError):
        return 128


def _free_axes(model: onnx.ModelProto, n_axes: int) -> None:
    """Make the batch and length axes dynamic, and remove recorded shapes, which no longer hold."""
    del model.graph.value_info[:]
    stored = {array.name for array in model.graph.initializer}
    for given in model.graph.input:
        if given.name not in stored:
            for number, axis in enumerate(given.type.tensor_type.shape.dim[:n_axes]):
                axis.dim_param = ("batch", "length")[number]
    for output in model.graph.output:
        output.type.tensor_type.ClearField("shape")


def _example_batch(settings: Mapping[str, Any], network: Mapping[str, Any], types: Types) -> Batch:
    """Two items with valid content for the graph's inputs."""
    rng = np.random.default_rng(0)
    dtypes: dict[int, Any] = {
        _FLOAT: np.float32,
        _HALF: np.float16,
        _UINT8: np.uint8,
        _INT32: np.int32,
        _INT64: np.int64,
    }
    feeds: Batch = {}
    for name, role in network["inputs"].items():
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
