"""Address: where a stream comes from or goes to, as a URL, a path, or `-` for standard input and output."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit
from zlib import crc32

from headstart.core import registry
from headstart.core.errors import OptionError, unknown_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

STANDARD, FILE, FOLDER = "stdio", "file", "folder"
_ON_DISK = (FILE, FOLDER, "sqlite")
_SECRET_OPTION = re.compile(
    r"([?&][^=&]*(?:token|secret|passw|signature|auth|api[_-]?key|access[_-]?key)[^=&]*=)[^&]+", re.IGNORECASE
)


@dataclass(frozen=True, kw_only=True)
class Address:
    """A place.

    Attributes
    ----------
    scheme : by which the connector is found
    text : as it was given, without a password, and without a token in the place of the user or in an option that is called so
    path : after the host, without the leading slash; of files and folders the path on the disk
    options : what followed `?`
    state : a folder in which the connector may remember what is done, between runs; None: it remembers nothing
    worker, n_workers : which process of how many reads here; where the place itself shares nothing out, one takes what `is_mine` says
    """

    scheme: str
    text: str
    host: str = ""
    port: int | None = None
    user: str = ""
    password: str = field(default="", repr=False)
    path: str = ""
    options: Mapping[str, str] = field(default_factory=dict)
    state: Path | None = None
    worker: int = 0
    n_workers: int = 1

    @classmethod
    def parse(cls, text: str) -> Address:
        """Read an address.

        >>> Address.parse("nats://localhost:4222/tickets?durable=routing").options
        {'durable': 'routing'}

        Raises
        ------
        OptionError
            It is none.
        """
        if text == "-":
            return cls(scheme=STANDARD, text=text)
        if not text.strip():
            raise OptionError("an address is empty. Write a path, SCHEME://…, or - for standard input and output.")
        if "://" not in text:
            _check_path(text)
            path, _, query = (text, "", "") if Path(text).exists() else text.partition("?")
            scheme = FOLDER if Path(path).is_dir() or path.endswith("/") else FILE
            return cls(scheme=scheme, text=text, path=path, options=dict(parse_qsl(query, keep_blank_values=True)))
        try:
            parts = urlsplit(text, allow_fragments=False)  # `#` is a part of topics
            port = parts.port
        except ValueError as error:
            raise OptionError(_no_address(text, error)) from None
        is_local = parts.scheme in _ON_DISK
        path = unquote(parts.netloc + parts.path if is_local else parts.path)
        return cls(
            scheme=parts.scheme,
            text=_shown(text, parts),
            host=parts.hostname or "",
            port=port,
            user=unquote(parts.username or ""),
            password=unquote(parts.password or ""),
            path=path if is_local else path.removeprefix("/"),
            options=dict(parse_qsl(parts.query, keep_blank_values=True)),
        )

    @property
    def path_on_disk(self) -> Path | None:
        """Where a place on the disk lies, links followed; None of any other.

        >>> Address.parse("a/../b.jsonl").path_on_disk == Path("b.jsonl").resolve(), Address.parse("-").path_on_disk
        (True, None)
        """
        return Path(self.path).resolve() if self.scheme in _ON_DISK else None

    def is_mine(self, partition: str) -> bool:
        """Whether a partition is this worker's, the same in every process.

        >>> Address.parse("-").is_mine("any")
        True
        """
        return self.n_workers == 1 or crc32(partition.encode()) % self.n_workers == self.worker

    def number(self, option: str, default: float) -> float:
        """Read an option that is a number from 0.

        Raises
        ------
        OptionError
            It is none.
        """
        text = self.options.get(option, "")
        try:
            value = float(text or default)
        except ValueError:
            value = -1.0
        if not 0 <= value < float("inf"):
            raise OptionError(f"the option '{option}' of {self.text} must be a number from 0, not '{text[:40]}'.")
        return value

    def flag(self, option: str, *, default: bool) -> bool:
        """Read an option that is 1 or 0.

        Raises
        ------
        OptionError
            It is neither.
        """
        text = self.options.get(option, "1" if default else "0")
        if text not in ("0", "1", ""):
            raise OptionError(f"the option '{option}' of {self.text} must be 1 or 0, not '{text[:40]}'.")
        return text != "0"

    def check_options(self, known: Iterable[str]) -> None:
        """Refuse an option that the connector does not know, naming the nearest.

        Raises
        ------
        OptionError
            There is one.
        """
        for name in self.options:
            if name not in known:
                raise unknown_name(f"option of {self.scheme} addresses", name, known)


def _shown(text: str, parts: SplitResult) -> str:
    """An address without what opens it: a password, a name that stands alone, which may be a token, and options whose names say so."""
    if parts.password:
        text = text.replace(f":{parts.password}@", ":…@")
    elif parts.username and parts.scheme not in _ON_DISK:
        text = text.replace(f"//{parts.netloc.rpartition('@')[0]}@", "//…@")
    return _SECRET_OPTION.sub(r"\1…", text)


def _check_path(text: str) -> None:
    """Refuse what was meant to be a URL."""
    scheme, colon, rest = text.partition(":")
    if colon and scheme in registry.names("connectors") and not Path(text).exists():
        raise OptionError(
            f"'{text[:100]}' is no address. Write {scheme}://{rest.lstrip('/')[:80]}, or ./{text[:80]} for a path."
        )


def _no_address(text: str, error: ValueError) -> str:
    """What is wrong with a URL; a password in it is not shown, which may be what could not be read."""
    before, at, after = text.rpartition("@")
    if not at:
        return f"'{text[:100]}' is no address ({error}). Write SCHEME://HOST:PORT/NAME."
    scheme = before.partition("://")[0]
    return f"'{scheme}://…@{after[:100]}' is no address. Write SCHEME://USER:PASSWORD@HOST:PORT/NAME, with %23 for # in a password, %2F for /, %3F for ? and %40 for @."
