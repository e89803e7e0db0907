"""Fetch an archive from the user's own Python package index; its sha256 is checked, and it is never built or imported.

pip would run the build code of a source archive just to read its metadata, and would refuse an archive for another Python.
Here an archive is only a container of files, found through the indexes that pip is configured with.
"""

from __future__ import annotations

import re
import sys
import urllib.error
import urllib.parse
import urllib.request
from html.parser import HTMLParser
from pathlib import Path
from typing import TYPE_CHECKING

from headstart.downloads.pip_settings import PipSettings, pip_settings
from headstart.downloads.transport import REFUSALS, SCHEMES, cached_archive, fetch_file, open_address, public

if TYPE_CHECKING:
    from collections.abc import Iterator

    from headstart.engines.reporters import ProgressOutput


def download(package: str, version: str, filename: str, sha256: str, *, stream: ProgressOutput = sys.stderr) -> Path:
    """The path of an archive in the cache, fetched if it is missing.

    Parameters
    ----------
    package, version : as the index knows them
    filename : one of the files of that version
    sha256 : of the file, hex; other files are refused
    stream : where progress is written: a stream or a reporter; None for silence

    Raises
    ------
    SourceError
        No index has the file or answers, or the downloaded file is not the expected one.
    StorageError
        The cache folder cannot be written.
    """

    def fetch(path: Path) -> Iterator[str]:
        settings = pip_settings()
        places = list(_places(settings, package))
        for place in places:
            try:
                link = _find(place, filename, settings)
                if link is not None:
                    fetch_file(link, path, sha256, settings, stream)
                    return
                yield f"{public(place)} does not have it"
            except REFUSALS as error:
                yield f"{public(place)}: {getattr(error, 'reason', error)}"
        if not places:
            yield "pip has no index and no find-links"

    remedy = f"It belongs to {package}=={version}: check the network and pip's index (pip config list)"
    return cached_archive(filename, sha256, fetch, remedy)


def _places(settings: PipSettings, package: str) -> Iterator[str]:
    """Addresses of pages or folders that may link to the package's files, the user's folders first."""
    for place in settings.find_links:
        yield place if urllib.parse.urlsplit(place).scheme in SCHEMES else Path(place).expanduser().absolute().as_uri()
    name = re.sub(r"[-_.]+", "-", package).lower()
    for index in settings.indexes:
        yield f"{index.rstrip('/')}/{name}/"


def _find(place: str, filename: str, settings: PipSettings) -> str | None:
    """Find the address of `filename` on a page, in a folder, or as the address itself."""
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
        with open_address(place, settings, "text/html, */*;q=0.1") as answer:
            page, base = answer.read().decode("utf-8", "replace"), answer.geturl()
    except urllib.error.HTTPError as error:
        if error.code in (404, 410):
            return None
        raise
    links = (urllib.parse.urljoin(base, link) for link in _links(page))
    return next((link for link in links if _name(link) == filename), None)


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
