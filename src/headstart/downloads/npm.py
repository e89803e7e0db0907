"""Fetch an archive from the user's own npm registry; its sha256 is checked, it is never installed and no script is run."""

from __future__ import annotations

import json
import sys
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING

from headstart.downloads.npm_settings import NpmSettings, npm_settings
from headstart.downloads.transport import REFUSALS, SCHEMES, cached_archive, fetch_file, open_address, public

if TYPE_CHECKING:
    from collections.abc import Iterator

    from headstart.engines.reporters import ProgressOutput


def download(package: str, version: str, filename: str, sha256: str, *, stream: ProgressOutput = sys.stderr) -> Path:
    """The path of an archive in the cache, fetched if it is missing.

    Parameters
    ----------
    package, version : as the registry knows them; the package may have a scope, '@scope/name'
    filename : the archive's name as `npm pack` makes it
    sha256 : of the archive, hex; other files are refused
    stream : where progress is written: a stream or a reporter; None for silence

    Raises
    ------
    SourceError
        No registry is set, it does not have the archive or does not answer, or the downloaded file is not the expected one.
    StorageError
        The cache folder cannot be written.
    """

    def fetch(path: Path) -> Iterator[str]:
        settings = npm_settings()
        registry = settings.registry_of(package).rstrip("/")
        if not registry:
            yield "no npm registry is set"
            return
        for link in _links(registry, package, version, filename, settings):
            try:
                fetch_file(link, path, sha256, settings, stream)
            except REFUSALS as error:
                yield f"{public(link)}: {getattr(error, 'reason', error)}"
            else:
                return
        yield f"{public(registry)} does not have it"

    remedy = (
        f"It belongs to {package}@{version}: check the network and npm's registry (npm config get registry; to set it: "
        "npm config set registry URL, or the environment variable npm_config_registry)"
    )
    return cached_archive(filename, sha256, fetch, remedy)


def _links(registry: str, package: str, version: str, filename: str, settings: NpmSettings) -> Iterator[str]:
    """Possible addresses of the archive: in a folder of archives, at the usual place, or where the registry says."""
    parts = urllib.parse.urlsplit(registry)
    if parts.scheme not in SCHEMES or parts.scheme == "file":
        folder = Path(urllib.request.url2pathname(parts.path)) if parts.scheme else Path(registry).expanduser()
        if (folder / filename).is_file():
            yield (folder.absolute() / filename).as_uri()
        return
    yield f"{registry}/{package}/-/{package.rpartition('/')[2]}-{version}.tgz"
    try:
        with open_address(f"{registry}/{package.replace('/', '%2f')}", settings, "application/json") as answer:
            link = json.loads(answer.read())["versions"][version]["dist"]["tarball"]
    except (*REFUSALS, ValueError, KeyError, TypeError):
        return
    # a mirror may name the archive relative to itself
    yield urllib.parse.urljoin(f"{registry}/", str(link))
