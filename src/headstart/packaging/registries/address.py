"""The address of a registry that is no folder, and where its local copy lies."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote

from headstart.core.errors import OptionError
from headstart.storage.alias import CHAMPION
from headstart.storage.files import cache_folder
from headstart.storage.passwords import without_password
from headstart.storage.postgres import SCHEMES

if TYPE_CHECKING:
    import os

_OWN = ("registry", "copy")  # options that no client knows
_NAME = re.compile(r"[\w.-]{1,100}", re.ASCII)
POSTGRES, MLFLOW = "postgres", "mlflow"
_SCHEME = re.compile(rf"({'|'.join(SCHEMES)}|(mlflow)\+https?)://", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True)
class RegistryAddress:
    """Where a registry is.

    Attributes
    ----------
    kind : `POSTGRES` or `MLFLOW`, the module that opens it
    url : as its client takes it
    name : of the registry, by which a server calls its model
    shown : the whole, as people wrote it, without a password
    copy : folder into which what is needed of it is copied
    """

    kind: str
    url: str = field(repr=False)
    name: str
    shown: str
    copy: Path


def is_remote(place: str | os.PathLike[str]) -> bool:
    """Whether a registry is named that is no folder.

    >>> is_remote("postgresql://host/models?registry=tickets"), is_remote("tickets-registry")
    (True, False)
    """
    return isinstance(place, str) and _SCHEME.match(place) is not None


def shown(place: str | os.PathLike[str]) -> str:
    """A place as people are told of it: an address without its password, a path as it is."""
    text = str(place)
    return without_password(text) if is_remote(text) else text


def folder_of(place: str | os.PathLike[str]) -> Path:
    """Where a bundle lies that is named by its path; of a registry that is no folder the local copy.

    Raises
    ------
    OptionError
        An address names no registry.
    """
    return parse(str(place)).copy / CHAMPION if is_remote(place) else Path(place)


def parse(text: str) -> RegistryAddress:
    """Read an address, in which `copy=FOLDER` names another place of the local copy.

    >>> parse("postgresql://ada:secret@host/models?registry=tickets").shown
    'postgresql://ada:…@host/models?registry=tickets'
    >>> parse("mlflow+http://host:5000/tickets").url
    'http://host:5000'

    Raises
    ------
    OptionError
        It names no registry.
    """
    bare, _, query = text.partition("?")
    options = [one for one in query.split("&") if one]
    own = {key: unquote(value) for key, _, value in (one.partition("=") for one in options) if key in _OWN}
    rest = "&".join(one for one in options if one.partition("=")[0] not in _OWN)
    scheme = _SCHEME.match(text)
    kind = MLFLOW if scheme is not None and scheme[2] else POSTGRES
    if kind == MLFLOW:
        url, _, name = bare.partition("+")[2].rstrip("/").rpartition("/")
        asked = "Write mlflow+http://HOST:PORT/NAME"
    else:
        url, name, asked = f"{bare}?{rest}" if rest else bare, own.get("registry", ""), "Add ?registry=NAME"
    if not _NAME.fullmatch(name) or url.endswith("/"):
        raise OptionError(
            f"{shown(text)} does not say which registry. {asked}, the name of letters, digits, '.', '_' and '-'."
        )
    key = hashlib.sha256("\0".join([bare.rpartition("@")[2], rest, name]).encode()).hexdigest()
    copy = Path(own["copy"]).expanduser() if own.get("copy") else cache_folder() / "registries" / f"{name}-{key[:12]}"
    return RegistryAddress(kind=kind, url=url, name=name, shown=shown(text), copy=copy.absolute())
