"""The registries of the user's own npm: registries, credentials, certificates, proxy."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import urllib.parse
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from headstart.downloads.transport import Access

if TYPE_CHECKING:
    from collections.abc import Mapping

_ENVIRONMENT = re.compile(r"npm_config_(.+)", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True)
class NpmSettings(Access):
    """npm's settings on where packages come from.

    Attributes
    ----------
    registry : address of the registry, or '' if none is set
    options : all of npm's settings by name, including registries of scopes and tokens
    """

    registry: str = ""
    options: Mapping[str, str] = field(default_factory=dict, repr=False)  # may hold secrets: never shown

    def registry_of(self, package: str) -> str:
        """The registry of a package: that of its scope, or the default one, or ''."""
        scope = package.partition("/")[0] if package.startswith("@") else ""
        return self.options.get(f"{scope}:registry", self.registry)

    def authorisation(self, address: str) -> str:
        """The authorization header for an address, from npm's entry for its longest prefix, or ''."""
        parts = urllib.parse.urlsplit(address)
        segments = f"//{parts.netloc.rpartition('@')[2]}{parts.path}".split("/")
        for end in range(len(segments), 2, -1):
            place = "/".join(segments[:end])
            found = self._authorisation_at(f"{place}/") or self._authorisation_at(place)
            if found:
                return found
        return super().authorisation(address)

    def _authorisation_at(self, place: str) -> str:
        if f"{place}:_authToken" in self.options:
            return f"Bearer {self.options[f'{place}:_authToken']}"
        if f"{place}:_auth" in self.options:
            return f"Basic {self.options[f'{place}:_auth']}"
        return ""


def npm_settings() -> NpmSettings:
    """Read npm's settings from the environment, the project's and the user's `.npmrc`, and npm itself, in this order.

    npm does not have to be installed if one of the first three sets a registry.
    """
    environment = {
        match[1].lower().replace("_", "-"): value
        for name, value in os.environ.items()
        if (match := _ENVIRONMENT.fullmatch(name))
    }
    user = Path(environment.get("userconfig") or "~/.npmrc").expanduser()
    options = {**_ask_npm(), **_read(user), **_read(Path(".npmrc")), **environment}
    return NpmSettings(
        registry=options.get("registry", ""),
        options=options,
        cert=options.get("cafile", ""),
        proxy=options.get("https-proxy") or options.get("proxy", ""),
        trusted_hosts=("*",) if options.get("strict-ssl", "").lower() == "false" else (),
    )


def _ask_npm() -> dict[str, str]:
    """All of npm's settings except its secrets, including defaults; empty if npm is not installed."""
    npm = shutil.which("npm")
    if npm is None:
        return {}
    done = subprocess.run([npm, "config", "list", "--json"], capture_output=True, text=True, check=False)
    try:
        found = json.loads(done.stdout)
    except json.JSONDecodeError:
        return {}
    return {name: str(value) for name, value in found.items() if isinstance(value, str | bool | int)}


def _read(path: Path) -> dict[str, str]:
    """Read lines `name = value`, where `${NAME}` stands for an environment variable."""
    try:
        lines = path.read_text("utf-8", "replace").splitlines()
    except OSError:
        return {}
    options = {}
    for line in lines:
        name, equals, value = line.partition("=")
        if equals and not name.lstrip().startswith(("#", ";")):
            value = re.sub(r"\$\{([^}]+)\}", lambda match: os.environ.get(match[1], match[0]), value)
            options[name.strip()] = value.strip().strip("\"'")
    return options
