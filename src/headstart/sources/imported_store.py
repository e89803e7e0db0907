"""Sources that the user has added: a sealed card and the files that it pins, a folder each, in the cache."""

from __future__ import annotations

import hashlib
import json
import shutil
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote

from headstart.core.errors import OptionError, SourceError, unknown_name
from headstart.sources.card import Card
from headstart.storage.files import cache_folder, replacing, storage_errors

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

CARD = "card.json"
_MAX_CARD_BYTES = 4 << 20


@dataclass(frozen=True, kw_only=True)
class ImportedCard(Card):
    """The card of an added source: it has no origin to be fetched from again.

    Attributes
    ----------
    provenance : `format`, `path` and `files` (sha256) of what was added; `revision` from a hub, `parent` for a bundle
    """

    provenance: Mapping[str, Any]


def imported_folder(name: str) -> Path:
    """Name the folder of an added source, which need not exist."""
    return cache_folder() / "added" / quote(name, safe="")


def imported_names() -> list[str]:
    """All names of added sources, sorted, whether their cards are sound or not."""
    folders = (cache_folder() / "added").glob(f"*/{CARD}")
    return sorted(unquote(path.parent.name) for path in folders if not path.parent.name.startswith("."))


def read_imported(name: str) -> ImportedCard:
    """Read the card of an added source.

    Raises
    ------
    SourceError
        It is not as it was sealed, or lies under another name.
    """
    path = imported_folder(name) / CARD
    remedy = f"Remove it with 'headstart sources remove {name}' and add it again."
    try:
        with path.open("rb") as file:
            table = json.loads(file.read(_MAX_CARD_BYTES))
        seal = table.pop("sha256")
        lists = {name: tuple(table[name]) for name in ("fingerprint", "languages")}
        card = ImportedCard(**{**table, **lists, "downloads": ()})
    except OSError as error:
        raise SourceError(f"{path} cannot be read ({error.strerror}). {remedy}") from error
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise SourceError(f"{path} is not the card of a source ({error}). {remedy}") from error
    if seal != _seal(table):
        raise SourceError(f"{path} has been changed: it is not as it was sealed. {remedy}")
    if card.name != name:
        raise SourceError(f"{path} is the card of '{card.name}': its folder was renamed. {remedy}")
    return card


def keep(card: ImportedCard, files: Mapping[str, bytes]) -> None:
    """Write a source into the cache, whole or not at all; one of that name gives way.

    Raises
    ------
    StorageError
        The cache folder cannot be written.
    """
    with replacing(imported_folder(card.name)) as partial:
        partial.mkdir()
        for name, content in files.items():
            (partial / name).write_bytes(content)
        table = json.loads(json.dumps({field.name: getattr(card, field.name) for field in fields(card)}))
        (partial / CARD).write_text(json.dumps({**table, "sha256": _seal(table)}, indent=1), "utf-8")


def remove(name: str) -> None:
    """Take an added source out of the cache; features that were computed with it stay.

    Raises
    ------
    OptionError
        There is none of that name.
    StorageError
        The folder cannot be removed.
    """
    names = imported_names()
    if name not in names:
        if not names:
            raise OptionError(
                f"no added source named '{name}': none has been added, and only added ones can be removed."
            )
        raise unknown_name("added source", name, names)
    with storage_errors(imported_folder(name)):
        shutil.rmtree(imported_folder(name))


def _seal(table: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(table, sort_keys=True).encode()).hexdigest()
