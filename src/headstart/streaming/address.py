"""Address: where a stream comes from or goes to, as a URL, a path, or `-` for standard input and output."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, unquote, urlsplit

from headstart.core.errors import OptionError, unknown_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

STANDARD, FILE, FOLDER = "stdio", "file", "folder"


@dataclass(frozen=True, kw_only=True)
class Address:
    """A place.

    Attributes
    ----------
    scheme : by which the connector is found
    text : as it was given, without a password
    path : after the host, without the leading slash; of files and folders the path on the disk
    options : what followed `?`
    """

    scheme: str
    text: str
    host: str = ""
    port: int | None = None
    user: str = ""
    password: str = field(default="", repr=False)
    path: str = ""
    options: Mapping[str, str] = field(default_factory=dict)

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
        if "://" not in text:
            scheme = FOLDER if Path(text).is_dir() else FILE
            return cls(scheme=scheme, text=text, path=text)
        try:
            parts = urlsplit(text)
            port = parts.port
        except ValueError as error:
            raise OptionError(f"'{text[:100]}' is no address ({error}). Write SCHEME://HOST:PORT/NAME.") from None
        path = unquote(parts.path)
        shown = text.replace(f":{parts.password}@", ":…@") if parts.password else text
        return cls(
            scheme=parts.scheme,
            text=shown,
            host=parts.hostname or "",
            port=port,
            user=unquote(parts.username or ""),
            password=unquote(parts.password or ""),
            path=path if parts.scheme in (FILE, FOLDER, "sqlite") else path.removeprefix("/"),
            options=dict(parse_qsl(parts.query, keep_blank_values=True)),
        )

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
