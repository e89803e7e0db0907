"""Who may ask: bearer tokens, compared in constant time."""

from __future__ import annotations

import hashlib
import hmac
import os
from typing import TYPE_CHECKING

from headstart.core.errors import OptionError
from headstart.serving.asgi import RequestError, header

if TYPE_CHECKING:
    from pathlib import Path

    from headstart.serving.asgi import Scope

VARIABLE = "HEADSTART_TOKEN"
_SHORTEST = 16
_OPEN = frozenset({"/v2/health/live", "/v2/health/ready", "/docs", "/openapi.json"})


class Tokens:
    """The bearer tokens that are accepted, by their hashes; none at all leaves the server open.

    Parameters
    ----------
    file : one token a line; empty lines and lines that begin with # are passed over

    Raises
    ------
    OptionError
        A token is shorter than 16 characters, or the file holds none.
    """

    def __init__(self, file: Path | None) -> None:
        lines = [] if file is None else file.read_text(encoding="utf-8").splitlines()
        tokens = [line.strip() for line in lines if line.strip() and not line.startswith("#")]
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


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "replace")).digest()
