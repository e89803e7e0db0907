"""Where models and their versions lie: what the words of the command name on the disk."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from headstart.core.errors import BundleError, OptionError, StorageError
from headstart.packaging.manifest import MANIFEST, is_bundle, read_manifest
from headstart.packaging.registries.address import is_remote, parse
from headstart.packaging.registries.opening import Follower, bring_champion
from headstart.serving import logs
from headstart.storage.alias import CHAMPION, is_registry, read_alias, version_folder

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_SPEC = re.compile(r"(?P<name>[\w.-]+)(@(?P<version>[\w.-]+))?=(?P<path>.+)", re.ASCII)
_NAME = re.compile(r"[\w.-]+", re.ASCII)
FIRST_VERSION = "1"


@dataclass(frozen=True)
class ModelVersion:
    """Where one version of a model lies, and the hash of its manifest, which tells whether it is still the same."""

    name: str
    version: str
    folder: Path
    seal: str


def version_order(version: str) -> tuple[Any, ...]:
    """Sort 2 before 10, and numbers before words.

    >>> sorted(["10", "2", "beta"], key=version_order)
    ['2', '10', 'beta']
    """
    return tuple((0, int(part), "") if part.isdigit() else (1, 0, part) for part in re.split(r"[.-]", version))


def find_model_versions(specs: Sequence[str]) -> list[ModelVersion]:
    """Look where the models lie that the command names.

    Parameters
    ----------
    specs : each a bundle, a folder of bundles (NAME/ or NAME/VERSION/), a registry (its folder or its address), NAME=PATH, or NAME@VERSION=PATH

    Raises
    ------
    BundleError
        There is no bundle.
    OptionError
        Two places claim the same name and version.
    """
    model_versions = [model_version for spec in specs for model_version in _model_versions_of(spec)]
    seen: dict[tuple[str, str], ModelVersion] = {}
    for model_version in model_versions:
        other = seen.setdefault((model_version.name, model_version.version), model_version)
        if other is not model_version:
            raise OptionError(
                f"'{other.folder}' and '{model_version.folder}' are both version {model_version.version} of '{model_version.name}'. "
                "Give one another version: NAME@VERSION=PATH."
            )
    return model_versions


def _model_versions_of(spec: str) -> list[ModelVersion]:
    name, version, place = _parts(spec)
    if is_remote(place):
        return [_champion(bring_champion(place, _tell), name or parse(place).name)]
    folder = Path(place)
    if is_registry(folder):
        return [_champion(folder, name)]
    if name is not None:
        return [_model_version(name, version or FIRST_VERSION, folder)]
    if is_bundle(folder) or not folder.is_dir():
        return [_model_version(None, FIRST_VERSION, folder)]
    found = []
    for model in _folders(folder):
        if (model / MANIFEST).is_file():
            found.append(_model_version(model.name, FIRST_VERSION, model))
        else:
            found += [
                _model_version(model.name, one.name, one) for one in _folders(model) if (one / MANIFEST).is_file()
            ]
    if not found:
        raise BundleError(f"{folder} holds no bundles, as NAME/ or NAME/VERSION/. Name a folder that does.")
    return found


class Champions:
    """The champions of the registries among the places that the command names, watched for changes.

    Made before the models are opened, so that no change between the two is missed.

    Attributes
    ----------
    are_any : whether a registry is among them
    """

    def __init__(self, specs: Sequence[str]) -> None:
        self._followed = [one for one in map(_followed, specs) if one is not None]
        self._seen = self._look()
        self.are_any = bool(self._followed)

    def have_changed(self) -> bool:
        """Whether there are others than at the last look."""
        before, self._seen = self._seen, self._look()
        return self._seen != before

    def _look(self) -> tuple[int | None, ...]:
        return tuple(champion() for champion in self._followed)


def _followed(spec: str) -> Callable[[], int | None] | None:
    """What tells the champion of the registry that is named; None if none is."""
    place = _parts(spec)[2]
    if is_remote(place):
        return Follower(place, _tell).champion
    return partial(_champion_of, Path(place)) if is_registry(Path(place)) else None


def _parts(spec: str) -> tuple[str | None, str | None, str]:
    """Name, version and place that are meant; a name and a version only where they are given."""
    named = None if is_remote(spec) or Path(spec).exists() else _SPEC.fullmatch(spec)
    return (None, None, spec) if named is None else (named["name"], named["version"], named["path"])


def _tell(message: str) -> None:
    logs.write("registry", message=message)


def _champion_of(folder: Path) -> int | None:
    try:
        return read_alias(folder, CHAMPION)
    except StorageError:
        return None


def _champion(folder: Path, name: str | None) -> ModelVersion:
    """The version that the alias points at now: what is opened does not move with it."""
    number = read_alias(folder, CHAMPION)
    return _model_version(name or folder.resolve().name, str(number), version_folder(folder, number or 0))


def _model_version(name: str | None, version: str, folder: Path) -> ModelVersion:
    seal = hashlib.sha256(read_manifest(folder)).hexdigest()
    # a name of people's, such as 'Complaints 2026', would have to be escaped in every address
    name = "-".join(_NAME.findall(name or folder.resolve().name)) or "model"
    return ModelVersion(name, version, folder, seal)


def _folders(folder: Path) -> list[Path]:
    return sorted(
        path for path in folder.iterdir() if path.is_dir() and _NAME.fullmatch(path.name) and path.name[0] != "."
    )
