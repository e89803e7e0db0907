"""Add: something that the user has becomes a source like the built-in ones, checked, measured and kept."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from headstart.core.errors import OptionError, require
from headstart.sources.added import added_names
from headstart.sources.built_in import built_in_names
from headstart.sources.draft import Wishes
from headstart.sources.formats import read_draft
from headstart.sources.hub import PREFIX, draft_of_hub
from headstart.sources.measured_card import keep_draft

if TYPE_CHECKING:
    from headstart.sources.added import AddedCard

VERBS = ("add", "fetch", "list", "remove", "show", "verify")  # words of the command: no source may be called so
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")


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
    if isinstance(thing, str) and thing.startswith(PREFIX):
        draft = draft_of_hub(thing, Wishes(**wishes))
    else:
        draft = read_draft(thing, Wishes(tokenizer=None if tokenizer is None else Path(tokenizer), **wishes))
    return keep_draft(draft, name=_name(name or _as_name(draft.name)), licence=licence)


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
