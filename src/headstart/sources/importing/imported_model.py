"""ImportedModel: a model as an import format reads it, before it is measured and becomes a source."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

NOT_STATED = "not stated by who added it"


@dataclass(frozen=True, kw_only=True)
class ImportOptions:
    """The user's options for a model that is added; None is detected, or reported as missing if that is impossible.

    Attributes
    ----------
    feature_layer : node or value of an ONNX graph that gives the features
    input_kind : 'pixels' or 'tokens'
    size_px : height and width of the network's photos
    mean, std : of each color channel from 0 to 1, as in training
    tokenizer : a `tokenizer.json` or `vocab.txt`, or the folder of one
    max_tokens : longer texts are truncated
    example : arrays or tensors that a torch module takes
    trust_graphs : whether its maker is trusted not to waste time and memory; None for what `HEADSTART_TRUST_GRAPHS` says
    """

    feature_layer: str | None = None
    input_kind: str | None = None
    size_px: int | None = None
    mean: tuple[float, ...] | None = None
    std: tuple[float, ...] | None = None
    tokenizer: Path | None = None
    max_tokens: int | None = None
    example: Any = None
    trust_graphs: bool | None = None


@dataclass(frozen=True, kw_only=True)
class ImportedModel:
    """A card without its measured values, and the files.

    Attributes
    ----------
    name : default name
    architecture, modality, input, network : as on a card
    files : content of the stored files by name, including the weights
    provenance : where it comes from: `format`, `path`, the sha256 of each file read, and more for some formats
    license : SPDX name, empty if unknown
    notes : guesses, for the user to check
    """

    name: str
    architecture: str
    modality: str
    input: Mapping[str, Any]
    network: Mapping[str, Any]
    files: Mapping[str, bytes]
    provenance: Mapping[str, Any]
    license: str = ""
    trained_on: str = NOT_STATED
    known_bias: str = NOT_STATED
    paper: str = NOT_STATED
    notes: tuple[str, ...] = field(default=())
