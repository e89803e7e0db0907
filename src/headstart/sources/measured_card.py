"""The card of a model that was added: its features are checked, its dimensions, cost and fingerprint measured."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from headstart.core.errors import OptionError, SourceError
from headstart.data.modalities import get_modality
from headstart.sources.added import AddedCard, keep, read_added
from headstart.sources.backbone import Source
from headstart.sources.card import WEIGHTS
from headstart.sources.fingerprint import TOLERANCE, features_of_fixed_item
from headstart.sources.foreign_files import pins
from headstart.sources.licences import spdx
from headstart.sources.operations import multiply_accumulates
from headstart.sources.weights import from_safetensors

if TYPE_CHECKING:
    from headstart.core.dataset import FloatArray
    from headstart.sources.draft import Draft

_N_FINGERPRINT = 24


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
