"""The package indexes of the user's own pip: index, mirrors, folders, certificates, proxy."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import urllib.parse
from dataclasses import dataclass
from pathlib import Path

from headstart.core.errors import SourceError
from headstart.downloads.transport import Access

_SECTIONS = ("global", "install", "download", ":env:")  # later ones override earlier ones


@dataclass(frozen=True, kw_only=True)
class PipSettings(Access):
    """pip's settings on where packages come from.

    Attributes
    ----------
    indexes : addresses of simple indexes (PEP 503), in pip's order
    find_links : folders, files or pages with links to archives
    """

    indexes: tuple[str, ...] = ()
    find_links: tuple[str, ...] = ()

    def authorisation(self, address: str) -> str:
        """The authorization header for an address, from the address, an index on the same host, or netrc, or ''."""
        host = urllib.parse.urlsplit(address).hostname
        for known in (address, *self.indexes):
            parts = urllib.parse.urlsplit(known)
            if parts.hostname == host and "@" in parts.netloc:
                return super().authorisation(known)
        return super().authorisation(address)


def pip_settings() -> PipSettings:
    """Ask pip for its settings, from its configuration files and environment variables.

    Raises
    ------
    SourceError
        pip is not installed in this environment.
    """
    options = _options(_pip("config", "list"))
    indexes = [] if options.get("no-index", "false").lower() in ("1", "true", "yes", "on") else _indexes(options)
    return PipSettings(
        indexes=tuple(indexes),
        find_links=tuple(options.get("find-links", "").split()),
        cert=options.get("cert", ""),
        client_cert=options.get("client-cert", ""),
        proxy=options.get("proxy", ""),
        trusted_hosts=tuple(options.get("trusted-host", "").split()),
        timeout_s=float(options.get("timeout", options.get("default-timeout", "15"))),
    )


def _indexes(options: dict[str, str]) -> list[str]:
    return [options.get("index-url") or _default_index(), *options.get("extra-index-url", "").split()]


def _options(listing: str) -> dict[str, str]:
    r"""Merge the lines of `pip config list` by pip's own precedence.

    >>> _options("global.timeout='60'\n:env:.timeout='5'\nfreeze.timeout='1'")
    {'timeout': '5'}
    """
    options: dict[str, str] = {}
    for section in _SECTIONS:
        for line in listing.splitlines():
            key, _, value = line.partition("=")
            if key.startswith(f"{section}."):
                options[key.removeprefix(f"{section}.")] = str(ast.literal_eval(value))
    return options


def _default_index() -> str:
    match = re.search(r"--index-url <url>.*?\(default\s+(\S+?)\)", _pip("download", "--help"), re.DOTALL)
    if match is None:
        raise SourceError(
            "pip does not say which package index it uses. Set one with: pip config set global.index-url URL"
        )
    return match.group(1)


def _pip(*arguments: str) -> str:
    command = [sys.executable, "-m", "pip", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=Path(sys.prefix))
    if done.returncode != 0:
        reason = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise SourceError(
            f"pip, which is needed to find your package index, does not run ({reason}). Install it in {sys.prefix}."
        )
    return done.stdout
