"""Fetch a file from a server or a folder with the user's own settings, and check its sha256."""

from __future__ import annotations

import base64
import hashlib
import netrc
import ssl
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import dataclass
from http.client import HTTPException
from typing import TYPE_CHECKING

from headstart.core.errors import SourceError
from headstart.engines.progress import Progress
from headstart.engines.reporters import reporter_for
from headstart.storage.files import cache_folder, replacing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path
    from urllib.response import addinfourl

    from headstart.engines.reporters import ProgressOutput

SCHEMES = ("https", "http", "file")
_BLOCK = 1 << 18


class WrongFileError(Exception):
    """A downloaded file has the wrong sha256."""


REFUSALS = (urllib.error.URLError, TimeoutError, ssl.SSLError, HTTPException, WrongFileError)


@dataclass(frozen=True, kw_only=True)
class Access:
    """How servers are reached.

    Attributes
    ----------
    cert : bundle of trusted certificates, or '' for the system's
    client_cert : the user's certificate with its key, or ''
    proxy : address of the proxy, or '' for the one in the environment
    trusted_hosts : hosts whose certificate is not checked; '*' for all
    timeout_s : timeout of a silent connection
    """

    cert: str = ""
    client_cert: str = ""
    proxy: str = ""
    trusted_hosts: tuple[str, ...] = ()
    timeout_s: float = 15.0

    def authorisation(self, address: str) -> str:
        """The authorization header for an address, from the address itself or the user's netrc, or ''."""
        parts = urllib.parse.urlsplit(address)
        if "@" in parts.netloc:
            return basic(urllib.parse.unquote(parts.netloc.rpartition("@")[0]))
        try:
            entry = netrc.netrc().authenticators(parts.hostname or "")
        except (OSError, netrc.NetrcParseError):
            return ""
        return basic(f"{entry[0]}:{entry[2]}") if entry else ""


def basic(credentials: str) -> str:
    """The header for 'user:password'."""
    return f"Basic {base64.b64encode(credentials.encode()).decode()}"


def cached_archive(filename: str, sha256: str, fetch: Callable[[Path], Iterable[str]], remedy: str) -> Path:
    """The path of an archive in the cache; if it is missing, `fetch` puts it there or yields why it cannot.

    Raises
    ------
    SourceError
        It could not be fetched; the message ends with the remedy.
    """
    path = cache_folder() / "packages" / filename
    if path.is_file() and _sha256(path) == sha256:
        return path
    failures = list(fetch(path))
    if path.is_file() and _sha256(path) == sha256:
        return path
    reasons = "; ".join(dict.fromkeys(failures))
    message = f"cannot fetch {filename} ({reasons}). {remedy}, or put the file with sha256 {sha256} by hand into {path.parent}."
    raise SourceError(message.replace("\n", " "))


def fetch_file(link: str, path: Path, sha256: str, access: Access, stream: ProgressOutput) -> None:
    """Download an address to `path` atomically.

    Raises
    ------
    one of `REFUSALS`
        The server does not answer, or the file is not the expected one.
    """
    digest = hashlib.sha256()
    with replacing(path) as partial:
        with open_address(link, access) as answer, partial.open("wb") as file:
            size = int(answer.headers.get("Content-Length") or 0)
            with Progress(f"fetching {path.name}, KiB", size >> 10, reporter_for(stream)) as progress:
                while block := answer.read(_BLOCK):
                    file.write(block)
                    digest.update(block)
                    progress.advance(len(block) >> 10)
        if digest.hexdigest() != sha256:
            raise WrongFileError(f"the file has sha256 {digest.hexdigest()}, not the expected one")


def open_address(address: str, access: Access, accept: str = "*/*") -> addinfourl:
    """Open an address."""
    parts = urllib.parse.urlsplit(address)
    if parts.scheme not in SCHEMES:
        raise urllib.error.URLError(f"addresses must start with https, http or file, not '{parts.scheme}'")
    bare = public(urllib.parse.urlunsplit(parts._replace(fragment="")))
    headers = {"User-Agent": "headstart", "Accept": accept}
    request = urllib.request.Request(bare, headers=headers)  # noqa: S310  (the scheme is checked above)
    authorisation = access.authorisation(address)
    if authorisation:
        # unredirected: a redirect to another host must not receive the user's password
        request.add_unredirected_header("Authorization", authorisation)
    handlers: list[urllib.request.BaseHandler] = [urllib.request.HTTPSHandler(context=_tls(parts.hostname, access))]
    if access.proxy:
        handlers.append(urllib.request.ProxyHandler({"http": access.proxy, "https": access.proxy}))
    answer: addinfourl = urllib.request.build_opener(*handlers).open(request, timeout=access.timeout_s)
    return answer


def public(address: str) -> str:
    """Remove a password from an address."""
    parts = urllib.parse.urlsplit(address)
    return urllib.parse.urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))


def _tls(host: str | None, access: Access) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=access.cert or None)
    if access.client_cert:
        context.load_cert_chain(access.client_cert)
    if {host, "*"} & {trusted.partition(":")[0] for trusted in access.trusted_hosts}:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
