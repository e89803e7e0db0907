"""Open a bundle: every byte is checked before any is used."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

from headstart.core.strict_json import to_json
from headstart.packaging.manifest import open_sealed
from headstart.packaging.model import Bundle
from headstart.packaging.registries.address import is_remote
from headstart.packaging.registries.opening import bring_champion
from headstart.storage.alias import CHAMPION, is_registry

if TYPE_CHECKING:
    from headstart.packaging.signing import Trust


def load_bundle(
    folder: str | Path,
    *,
    trust: Trust | None = None,
    threads: int | None = None,
    spin: bool = True,
    trust_graphs: bool | None = None,
) -> Bundle:
    """Open a bundle, refusing it if a single byte of it has changed.

    Parameters
    ----------
    folder : of the bundle, or a registry of `headstart update`, whose champion is opened; one that is no folder by its address,
        `postgresql://host/database?registry=NAME` or `mlflow+http://host:port/NAME`
    trust : a file of public keys, or such lines themselves, of which one must have signed the bundle; None for the file
        that HEADSTART_TRUST names, if it does, and () to require no signature
    threads : how many run its graph; as many as `HEADSTART_THREADS` or the machine gives, if not said
    spin : whether they keep their cores busy while they wait for each other; better not where others need the cores
    trust_graphs : whether its graph may have loops, conditionals and whatever else has no bound; None for what
        HEADSTART_TRUST_GRAPHS says

    Raises
    ------
    BundleError
        There is no bundle there, it is damaged, a newer Headstart made it, it lacks a signature that is required, or its graph
        or its tokenizer is refused.
    OptionError, ServiceError
        A registry's database refuses the connection or does not answer, or has no such registry.
    """
    folder = bring_champion(str(folder)) if is_remote(folder) else Path(folder)
    if is_registry(folder):
        folder = (folder / CHAMPION).resolve()  # what is opened does not move with the link
    sealed = open_sealed(folder, trust)
    for name in sealed.content["files"]:
        if name != "model.onnx":  # the largest: read, checked and opened in one go
            sealed.read(name)
    return Bundle(sealed, threads=threads, spin=spin, trust_graphs=trust_graphs)


def seal_of(model: Bundle) -> str:
    """What tells a model from any other: the hash of what its manifest says, in hex."""
    return hashlib.sha256(to_json(dict(model.manifest)).encode()).hexdigest()
