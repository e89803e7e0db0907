"""Add a model of the user's as a source: checked, measured and stored."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from headstart.core.errors import OptionError, require
from headstart.sources.built_in import built_in_names
from headstart.sources.imported_store import imported_names
from headstart.sources.importing.formats import read_model
from headstart.sources.importing.hub import PREFIX, model_of_hub
from headstart.sources.importing.imported_model import ImportOptions
from headstart.sources.importing.measured_card import keep_model

if TYPE_CHECKING:
    from headstart.sources.imported_store import ImportedCard

VERBS = ("add", "fetch", "list", "remove", "show", "verify")  # subcommands, which cannot be names of sources
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")


def add(
    thing: Any,
    *,
    name: str | None = None,
    license: str | None = None,
    tokenizer: str | Path | None = None,
    **options: Any,
) -> ImportedCard:
    """Make a source of a model, and store it in the cache.

    Parameters
    ----------
    thing : path of a hub-layout folder, an ONNX file, a SavedModel or a bundle; 'hub:ORG/NAME[@REV]'; a torch module
    name : name of the source; derived from the path by default
    license : SPDX name; optional if the model's own card states it
    tokenizer : path of a `tokenizer.json` or `vocab.txt`, if there is none next to the model
    options : `feature_layer`, `input_kind`, `size_px`, `mean`, `std`, `max_tokens`, `example`, `trust_graphs`, as in
        `ImportOptions`

    Raises
    ------
    UserError
        It cannot be used, or an option is missing, which the message names. Nothing is stored then.

    Returns
    -------
    The card, which can be found by its name.
    """
    require("onnx", extra="train", purpose="adding a source")
    if isinstance(thing, str) and thing.startswith(PREFIX):
        imported = model_of_hub(thing, ImportOptions(**options))
    else:
        imported = read_model(thing, ImportOptions(tokenizer=None if tokenizer is None else Path(tokenizer), **options))
    return keep_model(imported, name=_name(name or _as_name(imported.name)), license=license)


def _name(name: str) -> str:
    if not _NAME.fullmatch(name) or name in VERBS:
        raise OptionError(
            f"'{name}' cannot be a source's name. Use up to 64 of a-z, 0-9, '.', '_' and '-', but none of {', '.join(VERBS)}: "
            "--name NAME."
        )
    if name in built_in_names():
        raise OptionError(f"'{name}' is a built-in source. Choose another name: --name NAME.")
    if name in imported_names():
        raise OptionError(
            f"'{name}' has been added already. Choose another name, or run: headstart sources remove {name}."
        )
    return name


def _as_name(name: str) -> str:
    return re.sub(r"[^a-z0-9._-]+", "-", name.lower()).strip("-._")[:64] or "mine"
