"""Add: something that the user has becomes a source like the built-in ones, checked, measured and kept."""

from __future__ import annotations

import re
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from headstart.core import registry
from headstart.core.errors import OptionError, SourceError, require
from headstart.data.modalities import get_modality
from headstart.sources.added import AddedCard, added_names, keep, read_added
from headstart.sources.backbone import Source
from headstart.sources.card import WEIGHTS, built_in_names
from headstart.sources.draft import Wishes
from headstart.sources.fingerprint import TOLERANCE, features_of_fixed_item
from headstart.sources.foreign_files import pins
from headstart.sources.licences import spdx
from headstart.sources.operations import multiply_accumulates
from headstart.sources.weights import from_safetensors

if TYPE_CHECKING:
    from headstart.core.dataset import FloatArray
    from headstart.sources.draft import Draft

VERBS = ("add", "fetch", "list", "remove", "show", "verify")  # words of the command: no source may be called so
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
_N_FINGERPRINT = 24


def add(
    thing: Any,
    *,
    name: str | None = None,
    licence: str | None = None,
    tokenizer: str | Path | None = None,
    **wishes: Any,
) -> AddedCard:
    """Make a source of something that the user has, and keep it in the cache.

    Parameters
    ----------
    thing : path of a hub-layout folder, an ONNX file, a SavedModel or a bundle; 'hub:ORG/NAME[@REV]'; a torch module
    name : what to call it; made from the path if not given
    licence : SPDX name; may be left out where the model's own card states it
    tokenizer : path of a `tokenizer.json` or `vocab.txt`, where none lies beside the model
    wishes : `feature_layer`, `input_kind`, `size_px`, `mean`, `std`, `max_tokens`, `example`, as in `draft.Wishes`

    Raises
    ------
    UserError
        It cannot be used, or something has to be said first; the message says what. Nothing is kept then.

    Returns
    -------
    The card, found again by its name.
    """
    require("onnx", extra="train", purpose="adding a source")
    if isinstance(thing, str) and thing.startswith("hub:"):
        from headstart.sources.hub import draft_of_hub

        draft = draft_of_hub(thing, Wishes(**wishes))
    else:
        draft = read_draft(thing, Wishes(tokenizer=None if tokenizer is None else Path(tokenizer), **wishes))
    return keep_draft(draft, name=_name(name or _as_name(draft.name)), licence=licence)


def read_draft(thing: Any, wishes: Wishes) -> Draft:
    """Read whatever format it is.

    Raises
    ------
    SourceError
        There is nothing, or it is of no known format.
    """
    thing = Path(thing).expanduser() if isinstance(thing, str) else thing
    if isinstance(thing, Path) and not thing.exists():
        raise SourceError(f"there is nothing at {thing}. Give the path of a model's folder or file.")
    for kind in registry.names("formats"):
        part = registry.get("formats", kind)
        if part.accepts(thing):
            draft: Draft = part.read(thing, wishes)
            return draft
    raise SourceError(
        f"{thing if isinstance(thing, Path) else type(thing).__name__} is nothing that can be added. A hub-layout folder "
        "(config.json, model.safetensors, tokenizer.json or preprocessor_config.json), an .onnx file, a SavedModel, a bundle, "
        "or in Python a torch module can be."
    )


def keep_draft(draft: Draft, *, name: str, licence: str | None) -> AddedCard:
    """Measure a draft and keep it under a name.

    Raises
    ------
    OptionError
        The licence is stated nowhere, or differently.
    SourceError
        The network does not give one finite vector an item.
    """
    stated = _licence(draft, licence)
    state = from_safetensors(draft.files[WEIGHTS])
    card = AddedCard(
        name=name,
        modality=draft.modality,
        architecture=draft.architecture,
        dimensions=1,
        input=draft.input,
        network=draft.network,
        parameters=max(1, sum(array.size for array in state.values())),
        gmacs=1.0,
        licence=stated,
        trained_on=draft.trained_on,
        known_bias=draft.known_bias,
        languages=(),
        paper=draft.paper,
        fingerprint=(),
        files=pins(dict(draft.files)),
        origins=(),
        provenance={**draft.provenance, "notes": draft.notes},
    )
    with tempfile.TemporaryDirectory(prefix="headstart-") as folder:
        for file, content in draft.files.items():
            (Path(folder) / file).write_bytes(content)
        source = Source(card, Path(folder))
        features = _features(source, card.name)
        gmacs = multiply_accumulates(source) / 1e9
    fingerprint = tuple(round(float(value), 5) for value in features[:_N_FINGERPRINT])
    card = replace(card, dimensions=len(features), gmacs=max(round(gmacs, 6), 1e-6), fingerprint=fingerprint)
    keep(card, draft.files)
    return read_added(name)


def _features(source: Source, name: str) -> FloatArray:
    """Run the fixed item alone and beside another: one vector, finite, the same both times."""
    alone = features_of_fixed_item(source)
    items = get_modality(source.modality).fixed_items(source.card.input)
    beside = source.session().run(None, source.input.prepare([items.other, items.reference]))[0]
    if beside.ndim != 2 or not np.isfinite(beside).all() or len(alone) < 3:
        raise SourceError(
            f"'{name}' gives features of shape {beside.shape} for two items, all finite: {np.isfinite(beside).all()}; two rows "
            "of at least 3 finite numbers were expected. Choose another --feature-layer."
        )
    difference = float(np.abs(beside[1] - alone).max())
    if difference > TOLERANCE * max(1.0, float(np.abs(alone).max())):
        raise SourceError(
            f"'{name}': the features of an item change by {difference:.2g} with what stands beside it in the batch, so padding "
            "or batch size is not masked. Export the network in evaluation mode, with its attention mask as an input."
        )
    return alone


def _licence(draft: Draft, given: str | None) -> str:
    if not draft.licence and given is None:
        raise OptionError(
            f"no file of '{draft.name}' states its licence. Say it: --licence Apache-2.0, MIT or another SPDX name."
        )
    stated = spdx(draft.licence) if draft.licence else None
    wanted = spdx(given) if given is not None else None
    if stated and wanted and stated != wanted:
        raise OptionError(
            f"the model's own card states the licence {stated}, not {wanted}. Leave --licence out, or correct it."
        )
    licence = stated or wanted
    assert licence is not None
    return licence


def _name(name: str) -> str:
    if not _NAME.fullmatch(name) or name in VERBS:
        raise OptionError(
            f"'{name}' cannot be a source's name: up to 64 of a-z, 0-9, '.', '_' and '-' can, but {', '.join(VERBS)} cannot. "
            "Say another: --name NAME."
        )
    if name in built_in_names():
        raise OptionError(f"'{name}' is a built-in source. Say another name: --name NAME.")
    if name in added_names():
        raise OptionError(
            f"'{name}' has been added before. Say another name, or first: headstart sources remove {name}."
        )
    return name


def _as_name(name: str) -> str:
    return re.sub(r"[^a-z0-9._-]+", "-", name.lower()).strip("-._")[:64] or "mine"
