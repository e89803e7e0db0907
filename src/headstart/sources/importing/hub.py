"""Sources of a model hub, named 'hub:ORG/NAME' or 'hub:ORG/NAME@REVISION': fetched by huggingface_hub, stored like added ones."""

from __future__ import annotations

import os
import re
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from headstart.core.errors import OptionError, SourceError, require
from headstart.sources.imported_store import imported_names, read_imported
from headstart.sources.importing.formats import read_model
from headstart.sources.importing.hub_weights import ONNX_FILES
from headstart.sources.importing.imported_model import ImportOptions
from headstart.sources.importing.measured_card import keep_model

if TYPE_CHECKING:
    from headstart.sources.imported_store import ImportedCard
    from headstart.sources.importing.imported_model import ImportedModel

PREFIX = "hub:"
_NAME = re.compile(r"hub:(?P<repository>[\w.-]+/[\w.-]+)(@(?P<revision>[\w./-]+))?", re.ASCII)
_COMMIT = re.compile(r"[0-9a-f]{40}")
_WANTED = (
    "*.json",
    "vocab.txt",
    "README.md",
    "model*.safetensors",
    *ONNX_FILES,
    *(f"{name}_data" for name in ONNX_FILES),
)
_YES = ("1", "on", "yes", "true")


def find_hub(name: str) -> ImportedCard:
    """The card of a hub model, which is fetched, checked, measured and stored the first time.

    A name without a commit is looked up each time, since there may be a newer one; the card's own name has the commit.

    Raises
    ------
    OptionError
        The name has another form, or the model's card states no license.
    SourceError
        The hub does not answer or does not have it, or the model cannot be used.
    MissingExtraError
        huggingface_hub is not installed.
    """
    repository, revision = _parse(name)
    if revision is None or not _COMMIT.fullmatch(revision) or name not in imported_names():
        folder = _fetch(repository, revision)
        name = f"{PREFIX}{repository}@{folder.name}"
        if name not in imported_names():
            try:
                return keep_model(_imported(repository, folder, ImportOptions()), name=name, license=None)
            except OptionError as error:
                raise OptionError(
                    f"{error} To give options, add it under a name: headstart sources add {name} …"
                ) from error
    return read_imported(name)


def model_of_hub(name: str, options: ImportOptions) -> ImportedModel:
    """Fetch and read a hub model, to add it under a name of the user's choice.

    Raises
    ------
    UserError
        As for `find_hub`.
    """
    repository, revision = _parse(name)
    return _imported(repository, _fetch(repository, revision), options)


def _parse(name: str) -> tuple[str, str | None]:
    match = _NAME.fullmatch(name)
    if match is None:
        raise OptionError(f"a hub model is named hub:ORG/NAME or hub:ORG/NAME@REVISION, got '{name}'.")
    return match["repository"], match["revision"]


def _fetch(repository: str, revision: str | None) -> Path:
    """The folder of the snapshot, whose name is the commit."""
    hub = require("huggingface_hub", extra="hub", purpose="fetching from a model hub")
    is_offline = os.environ.get("HF_HUB_OFFLINE", "").lower() in _YES
    home = os.environ.get("HF_HOME")
    cache = os.environ.get("HF_HUB_CACHE") or (str(Path(home).expanduser() / "hub") if home else None)
    try:
        folder = hub.snapshot_download(
            repository,
            revision=revision,
            cache_dir=cache,
            local_files_only=is_offline,
            allow_patterns=list(_WANTED),
            tqdm_class=None,
        )
    except Exception as error:  # network libraries and the hub's own raise different errors
        where = "in the local hub folder (HF_HUB_OFFLINE is set)" if is_offline else "from the hub"
        raise SourceError(
            f"{PREFIX}{repository}{f'@{revision}' if revision else ''} is not available {where}: {_reason(error)}. Check the name, "
            "the network and HF_HOME, or give the path of a folder to 'headstart sources add'."
        ) from error
    path = Path(folder)
    if not (path / "config.json").exists():
        raise SourceError(f"{PREFIX}{repository}: {path} has no config.json. Only transformers models can be used.")
    return path


def _imported(repository: str, folder: Path, options: ImportOptions) -> ImportedModel:
    imported = read_model(folder, options)
    provenance = {**imported.provenance, "format": "hub", "repository": repository, "revision": folder.name}
    return replace(imported, name=repository.rpartition("/")[2], provenance=provenance)


def _reason(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0][:160]}".rstrip(".") if lines else type(error).__name__
