"""Draft: what a format finds in something of the user's, before it is measured and becomes a source."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

NOT_STATED = "not stated by who added it"


@dataclass(frozen=True, kw_only=True)
class ImportOptions:
    """What the user says of the thing that is added; None is found out, or asked for where it cannot be.

    Attributes
    ----------
    feature_layer : node or value of an ONNX graph whose output are the features
    input_kind : 'pixels' or 'tokens'
    size_px : height and width of the network's photos
    mean, std : of each colour from 0 to 1, as the network was trained
    tokenizer : a `tokenizer.json` or `vocab.txt`, or the folder of one
    max_tokens : where a text is cut
    example : arrays or tensors that a torch module takes
    """

    feature_layer: str | None = None
    input_kind: str | None = None
    size_px: int | None = None
    mean: tuple[float, ...] | None = None
    std: tuple[float, ...] | None = None
    tokenizer: Path | None = None
    max_tokens: int | None = None
    example: Any = None


@dataclass(frozen=True, kw_only=True)
class ImportedModel:
    """A card without its measures.

    Attributes
    ----------
    name : what it is called if the user gives no name
    architecture, modality, input, network : as on a card
    files : content of what is kept, by name, the weights among them
    provenance : where it comes from: `format`, `path` and the sha256 of each file read; more where there is more to say
    license : SPDX name, empty if nothing states it
    notes : what was guessed, for the user to read
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
