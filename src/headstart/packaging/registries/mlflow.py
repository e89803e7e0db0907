"""Open a registry in MLflow, and make one: one process at a time may change it, for MLflow takes a name of a registered model once only."""

from __future__ import annotations

import fcntl
import os
import socket
import time
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from headstart.core.errors import OptionError, StorageError, UserError
from headstart.packaging.registries.mlflow_store import ABSENT, FILES, RUN, SCHEME, MlflowStore, tags_of
from headstart.packaging.registries.remote import no_registry
from headstart.storage.alias import CHAMPION
from headstart.storage.files import storage_errors

if TYPE_CHECKING:
    from collections.abc import Iterator

    from headstart.packaging.registries.address import RegistryAddress

_HOST, _PROCESS, _SINCE = "headstart.host", "headstart.process", "headstart.since"  # tags of the lock
_EXISTS = "RESOURCE_ALREADY_EXISTS"
_NOTE = "mlflow.note.content"
_SAID = "The registry of Headstart: bundles, and its log. Change it with headstart update alone."


@contextmanager
def create(address: RegistryAddress) -> Iterator[MlflowStore]:
    """Make an empty registry: a run for its files, and a registered model; that goes again if the block raises.

    Raises
    ------
    StorageError
        There is a registered model of that name.
    """
    store = MlflowStore(address, keeps=True, has_keys=True)
    with _alone(address, store):
        found = store.client.call("GET", "registered-models/get", {"name": store.name}, absent=(ABSENT,))
        if found is not None and not _is_unfinished(found["registered_model"]):
            raise StorageError(f"{store.shown} is a registered model already. Give the new one another name.")
        if found is not None:
            _remove(store)
        run, files = _new_run(store)
        store.use(run, files)
        tags = [{"key": key, "value": value} for key, value in ((RUN, run), (FILES, files))]
        said = {"name": store.name, "tags": tags, "description": _SAID}
        store.client.call("POST", "registered-models/create", said)
        store.begin()
        try:
            yield store
        except BaseException:
            with suppress(UserError):
                _remove(store)
            raise


@contextmanager
def open_to_change(address: RegistryAddress) -> Iterator[MlflowStore]:
    """Open a registry that no other process changes meanwhile.

    Raises
    ------
    OptionError
        There is no registry, or another process is changing it.
    """
    store = MlflowStore(address, keeps=True, has_keys=True)
    _check(store)
    with _alone(address, store):
        yield store


@contextmanager
def open_to_read(address: RegistryAddress) -> Iterator[MlflowStore]:
    """Open a registry, whose log is read once."""
    store = MlflowStore(address, keeps=True)
    _check(store)
    yield store


def follow(address: RegistryAddress) -> MlflowStore:
    """Open a registry to look at it again and again."""
    return MlflowStore(address, keeps=False)


def _check(store: MlflowStore) -> None:
    store.model()
    if store.alias(CHAMPION) is None:
        raise no_registry(store.shown)


def _new_run(store: MlflowStore) -> tuple[str, str]:
    """Make a run for the files; give its id, and where the server keeps its artifacts."""
    name = f"headstart/{store.name}"
    made = store.client.call("POST", "experiments/create", {"name": name}, absent=(_EXISTS,))
    if made is None:
        made = store.client.call("GET", "experiments/get-by-name", {"experiment_name": name})["experiment"]
        if made.get("lifecycle_stage") != "active":
            raise StorageError(
                f"the experiment '{name}' was deleted in MLflow. Restore it there, or name another model."
            )
    now = int(time.time() * 1000)
    said = {
        "experiment_id": made["experiment_id"],
        "run_name": "registry",
        "start_time": now,
        "tags": [{"key": _NOTE, "value": _SAID}],
    }
    info = store.client.call("POST", "runs/create", said)["run"]["info"]
    ended = {"run_id": info["run_id"], "status": "FINISHED", "end_time": now}
    store.client.call("POST", "runs/update", ended)
    place = urlsplit(info["artifact_uri"])
    if place.scheme != SCHEME:
        raise OptionError(
            f"{store.shown} does not take files itself: artifacts lie at {place.scheme or 'a path'}:…. Start it as "
            "'mlflow server --artifacts-destination …', and name a model whose experiment is new."
        )
    return info["run_id"], unquote(place.path).strip("/")


def _is_unfinished(model: dict[str, object]) -> bool:
    """Whether somebody was stopped while he made it."""
    return RUN in tags_of(model) and not model.get("aliases")


def _remove(store: MlflowStore) -> None:
    store.client.call("DELETE", "registered-models/delete", {"name": store.name}, absent=(ABSENT,))


@contextmanager
def _alone(address: RegistryAddress, store: MlflowStore) -> Iterator[None]:
    """Hold the right to change: a registered model beside the registry, which one process alone can make."""
    taken = OptionError(f"{store.shown} is being changed by another process. Wait until it has ended.")
    with storage_errors(address.copy):
        address.copy.mkdir(parents=True, exist_ok=True)
        with (address.copy / ".changing").open(
            "a"
        ) as lock:  # so that the lock of one that was killed here is taken by one only
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise taken from error
            _take(store, taken)
            try:
                yield
            finally:
                with suppress(UserError):
                    store.client.call("DELETE", "registered-models/delete", {"name": _lock_of(store)}, absent=(ABSENT,))


def _take(store: MlflowStore, taken: OptionError) -> None:
    own = {
        _HOST: socket.gethostname(),
        _PROCESS: str(os.getpid()),
        _SINCE: datetime.now(UTC).isoformat(timespec="seconds"),
    }
    said = {
        "name": _lock_of(store),
        "tags": [{"key": key, "value": value} for key, value in own.items()],
        "description": f"Held while a process of Headstart changes {store.name}.",
    }
    if store.client.call("POST", "registered-models/create", said, absent=(_EXISTS,)) is not None:
        return
    found = store.client.call("GET", "registered-models/get", {"name": _lock_of(store)}, absent=(ABSENT,))
    tags = {} if found is None else tags_of(found["registered_model"])
    if found is None:
        raise taken
    if tags.get(_HOST) != own[_HOST] or _is_alive(tags.get(_PROCESS, "")):
        raise OptionError(
            f"{store.shown} is being changed by process {tags.get(_PROCESS, '?')} on {tags.get(_HOST, '?')}, since {tags.get(_SINCE, '?')}. Wait until it "
            f"has ended; if it was killed there, delete the registered model '{_lock_of(store)}' in MLflow."
        )
    store.client.call("DELETE", "registered-models/delete", {"name": _lock_of(store)}, absent=(ABSENT,))
    if store.client.call("POST", "registered-models/create", said, absent=(_EXISTS,)) is None:
        raise taken


def _lock_of(store: MlflowStore) -> str:
    return f"{store.name}.lock"


def _is_alive(process: str) -> bool:
    """Whether a process of this machine still runs; one whose number is none is taken for one."""
    if not process.isdecimal():
        return True
    try:
        os.kill(int(process), 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
