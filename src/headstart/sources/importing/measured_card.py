"""The card of an added model: check its features and measure its dimensions, cost and fingerprint."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from headstart.core.errors import OptionError, SourceError, first_line
from headstart.data.modalities import get_modality
from headstart.onnx_graph.session import runtime_errors
from headstart.sources.card import WEIGHTS
from headstart.sources.fingerprint import TOLERANCE, features_of_fixed_item
from headstart.sources.imported_store import ImportedCard, keep, read_imported
from headstart.sources.licenses import spdx
from headstart.sources.macs import multiply_accumulates
from headstart.sources.preprocessors.tokens import TextTokenizer
from headstart.sources.source import Source
from headstart.sources.weights import from_safetensors
from headstart.storage.untrusted_folder import pins

if TYPE_CHECKING:
    from headstart.core.dataset import FloatArray
    from headstart.sources.importing.imported_model import ImportedModel

_N_FINGERPRINT = 24


def keep_model(imported: ImportedModel, *, name: str, license: str | None) -> ImportedCard:
    """Measure an imported model and store it under a name.

    Raises
    ------
    OptionError
        The license is missing, or contradicts the model's own card.
    SourceError
        The network does not give one finite vector per item.
    """
    stated = _license(imported, license)
    state = from_safetensors(imported.files[WEIGHTS])
    card = ImportedCard(
        name=name,
        modality=imported.modality,
        architecture=imported.architecture,
        dimensions=1,
        input=imported.input,
        network=imported.network,
        parameters=max(1, sum(array.size for array in state.values())),
        gmacs=1.0,
        license=stated,
        trained_on=imported.trained_on,
        known_bias=imported.known_bias,
        languages=(),
        paper=imported.paper,
        fingerprint=(),
        files=pins(dict(imported.files)),
        downloads=(),
        provenance={**imported.provenance, "notes": imported.notes},
    )
    with tempfile.TemporaryDirectory(prefix="headstart-") as folder:
        for file, content in imported.files.items():
            (Path(folder) / file).write_bytes(content)
        source = Source(card, Path(folder))
        _check_vocabulary(source)
        features = _features(source, card.name)
        gmacs = multiply_accumulates(source) / 1e9
    fingerprint = tuple(round(float(value), 5) for value in features[:_N_FINGERPRINT])
    card = replace(card, dimensions=len(features), gmacs=max(round(gmacs, 6), 1e-6), fingerprint=fingerprint)
    keep(card, imported.files)
    return read_imported(name)


def _features(source: Source, name: str) -> FloatArray:
    """Features of the fixed item; they must be finite and equal whether it is run alone or in a batch."""
    alone = features_of_fixed_item(source)
    items = get_modality(source.modality).fixed_items(source.card.input)
    batched = source.session().run(None, source.input.transform([items.other, items.reference]))[0]
    if batched.ndim != 2 or not np.isfinite(batched).all() or len(alone) < 3:
        raise SourceError(
            f"'{name}' gives features of shape {batched.shape} for two items, all finite: {np.isfinite(batched).all()}; expected two rows "
            "of at least 3 finite numbers. Choose another --feature-layer."
        )
    difference = float(np.abs(batched[1] - alone).max())
    if difference > TOLERANCE * max(1.0, float(np.abs(alone).max())):
        raise SourceError(
            f"'{name}': the features of an item change by {difference:.2g} with the other items of the batch, so padding "
            "or batch size is not masked. Export the network in evaluation mode, with its attention mask as an input."
        )
    return alone


def _check_vocabulary(source: Source) -> None:
    """The network must take every id that the tokenizer can make."""
    if not isinstance(source.input, TextTokenizer):
        return
    largest = source.input.largest_id()
    batch = {"input_ids": np.array([[largest]]), "attention_mask": np.array([[1]])}
    try:
        source.session().run(None, batch)
    except runtime_errors() as error:
        raise SourceError(
            f"'{source.name}': its tokenizer makes ids up to {largest}, which the network does not take ({first_line(error)}). "
            "Give the tokenizer that it was trained with: --tokenizer FILE."
        ) from error


def _license(imported: ImportedModel, given: str | None) -> str:
    if not imported.license and given is None:
        raise OptionError(
            f"no file of '{imported.name}' states its license. Give it with --license Apache-2.0, MIT or another SPDX name."
        )
    stated = spdx(imported.license) if imported.license else None
    wanted = spdx(given) if given is not None else None
    if stated and wanted and stated != wanted:
        raise OptionError(
            f"the model's own card states the license {stated}, not {wanted}. Leave --license out, or correct it."
        )
    license = stated or wanted
    assert license is not None
    return license
