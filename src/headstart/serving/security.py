"""Who may ask: bearer tokens, compared in constant time, and the host names and origins of pages in a browser."""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import os
from functools import lru_cache
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from headstart.core.errors import OptionError
from headstart.serving.asgi import RequestError, header

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from headstart.serving.asgi import Scope

VARIABLE = "HEADSTART_TOKEN"
_SHORTEST = 16
_MAX_FILE_BYTES = 1 << 20
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"  # as some editors begin a file
_OF_BROWSERS = frozenset({b"accept-language", b"sec-fetch-site", b"sec-fetch-mode"})
_OPEN = frozenset({"/v2/health/live", "/v2/health/ready", "/docs", "/openapi.json"})


class Tokens:
    """The bearer tokens that are accepted, by their hashes; none at all leaves the server open.

    Parameters
    ----------
    file : one token a line, in any encoding that extends ASCII; empty lines and lines that begin with # are passed over

    Raises
    ------
    OptionError
        A token is shorter than 16 characters or not plain ASCII, or the file holds none or cannot be read.
    """

    def __init__(self, file: Path | None) -> None:
        tokens = [] if file is None else _tokens_of(file)
        if file is not None and not tokens:
            raise OptionError(f"'{file}' holds no token. Write one a line, such as `openssl rand -hex 32` gives.")
        tokens += [token for token in [os.environ.get(VARIABLE, "").strip()] if token]
        if any(len(token) < _SHORTEST for token in tokens):
            raise OptionError(
                f"a token is shorter than {_SHORTEST} characters. Take what `openssl rand -hex 32` gives."
            )
        self._hashes = [_hash(token) for token in tokens]

    def __bool__(self) -> bool:
        return bool(self._hashes)

    def check(self, scope: Scope) -> None:
        """Let a request pass if it bears a token, asks for nothing that needs one, or none is needed.

        Raises
        ------
        RequestError
            401.
        """
        if not self._hashes or scope["path"] in _OPEN:
            return
        scheme, _, token = header(scope, b"authorization").partition(" ")
        given = _hash(token.strip())
        # every hash is compared, so that the time tells nothing about which came near
        if sum([hmac.compare_digest(given, known) for known in self._hashes]) and scheme.lower() == "bearer":
            return
        raise RequestError(
            401,
            "a bearer token is needed. Send the header 'Authorization: Bearer TOKEN'.",
            [(b"www-authenticate", b'Bearer realm="headstart"')],
        )


class Pages:
    """What pages in a browser may ask of a server without tokens, which has nothing but its address to protect it.

    A page of another origin could send a request without reading the answer; one whose name is made to point here (DNS
    rebinding) could read it too.

    Parameters
    ----------
    host_names : that every request must call the server by, unless by an address; none for any, as far as no page asks
    origins : whose pages may ask
    """

    def __init__(self, host_names: Iterable[str], origins: Iterable[str]) -> None:
        self._host_names = frozenset(name.lower() for name in host_names)
        self._origins = frozenset(origins)

    def check(self, scope: Scope, *, needs_token: bool) -> None:
        """Refuse a request for another host, or from a page that has nothing to do with this server.

        Raises
        ------
        RequestError
            403, 421.
        """
        if self._host_names and not self._is_ours(_name_of(header(scope, b"host"))):
            raise RequestError(421, "the request is for another host. Start the server with --host-name NAME for it.")
        if needs_token:
            return
        origin = header(scope, b"origin")
        if not origin and scope["method"] == "POST":
            return  # no page
        host = header(scope, b"host")
        if not origin:
            # a page that is, or calls itself, of this server sends no origin when it only reads
            is_asked = scope["path"] in _OPEN or self._is_ours(_name_of(host)) or not _is_browser(scope)
        elif origin in self._origins or "*" in self._origins:
            return
        elif _host_of(origin) != host.lower():
            raise RequestError(403, "pages of other origins may not ask. Start the server with --cors ORIGIN for one.")
        else:
            is_asked = self._is_ours(_name_of(host))
        if not is_asked:
            raise RequestError(
                403, "a page asks under a name that is not known here. Start the server with --host-name NAME for it."
            )

    def _is_ours(self, name: str) -> bool:
        return name in self._host_names or _is_address(name)


def _is_browser(scope: Scope) -> bool:
    """Whether a request has a header that every browser sends and no page can keep it from sending."""
    return any(name in _OF_BROWSERS for name, _ in scope["headers"])


def _host_of(origin: str) -> str:
    """The host and port of an origin; '' if it is none."""
    try:
        return urlsplit(origin).netloc.lower()
    except ValueError:
        return ""


@lru_cache(256)
def _name_of(host: str) -> str:
    """The name in a header `Host`, without its port; '' if more follows an address in brackets."""
    name, bracket, port = host.lower().partition("]")
    if bracket:
        return name.removeprefix("[") if not port or port.startswith(":") else ""
    return name.rpartition(":")[0] or name


def _is_address(name: str) -> bool:
    """Whether a name can only mean what it says: an address of the network, or this machine."""
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _tokens_of(file: Path) -> list[str]:
    try:
        with file.open("rb") as opened:
            content = opened.read(_MAX_FILE_BYTES)
    except OSError as error:
        raise OptionError(
            f"'{file}' cannot be read ({error.strerror}). Correct the path or its permissions."
        ) from error
    tokens = []
    for number, line in enumerate(content.removeprefix(_BYTE_ORDER_MARK).splitlines(), 1):
        token = line.strip()
        if not token or token.startswith(b"#"):
            continue
        if not all(33 <= byte < 127 for byte in token):
            raise OptionError(
                f"line {number} of '{file}' is no token: letters, digits and signs of ASCII were expected. "
                "Write one a line, such as `openssl rand -hex 32` gives, in UTF-8."
            )
        tokens.append(token.decode("ascii"))
    return tokens


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "replace")).digest()
