"""A registry in MLflow: a registered model whose versions and aliases are MLflow's own; the log is an artifact of a run.

MLflow has no transactions. What must be written together (log, comparisons, keys) is one file under its hash, and a tag of the model says
which file holds: that one call writes all or nothing. The alias `champion` is another call; what a crash leaves between the two is settled
as in a folder. One process at a time may change a registry, for MLflow makes a registered model of one name once only.
"""

from __future__ import annotations

import copy
from contextlib import contextmanager, nullcontext, suppress
from typing import TYPE_CHECKING, Any

from headstart.core.errors import OptionError, ServiceError, StorageError
from headstart.packaging.manifest import MANIFEST
from headstart.packaging.registries.local_copy import BUNDLES, checked_parts
from headstart.packaging.registries.log import FIRST_HASH, LogEntry, next_entry
from headstart.packaging.registries.mlflow_client import MlflowClient
from headstart.packaging.registries.mlflow_state import State
from headstart.packaging.registries.remote import RemoteStore, no_registry, signature_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from contextlib import AbstractContextManager
    from pathlib import Path

    from headstart.packaging.registries.address import RegistryAddress

RUN, STATE, FILES = "headstart.run", "headstart.state", "headstart.files"  # tags of the model
ABSENT = "RESOURCE_DOES_NOT_EXIST"
SCHEME = "mlflow-artifacts"
_INVALID = "INVALID_PARAMETER_VALUE"
_MAX_STATE = 512 << 20
_TRIES = 3  # to read a state that another one takes the place of meanwhile


class MlflowStore(RemoteStore):
    """A registered model.

    Parameters
    ----------
    keeps : whether what was read is kept, because nobody else changes it or it is looked at as it was; else it is read anew each time
    """

    def __init__(self, address: RegistryAddress, *, keeps: bool, has_keys: bool = False) -> None:
        super().__init__(address)
        self.name = address.name
        self.client = MlflowClient(address.url)
        self._keeps, self._has_keys = keeps, has_keys
        self._state: State | None = None
        self._written = ("", "")  # hashes of the state and its keys
        self._run, self._files = "", ""

    def begin(self) -> None:
        """There is nothing yet."""
        self._state = State()

    def model(self) -> dict[str, str]:
        """Tags of the registered model.

        Raises
        ------
        OptionError
            There is none, or it is no registry.
        """
        found = self.client.call("GET", "registered-models/get", {"name": self.name}, absent=(ABSENT,))
        tags = {} if found is None else tags_of(found["registered_model"])
        if STATE not in tags:
            raise no_registry(self.shown)
        self.use(tags[RUN], tags[FILES])
        return tags

    def use(self, run: str, files: str) -> None:
        """Keep files among the artifacts of a run."""
        self._run, self._files = run, files

    def entries(self) -> list[LogEntry]:
        """All entries of the log, oldest first."""
        return list(self._now().entries)

    def alias(self, name: str) -> int | None:
        """The version that an alias of MLflow's points at."""
        query = {"name": self.name, "alias": name}
        found = self.client.call("GET", "registered-models/alias", query, absent=(ABSENT, _INVALID))
        return None if found is None else int(found["model_version"]["version"])

    def point_alias(self, name: str, number: int) -> None:
        """Set an alias, by one call."""
        said = {"name": self.name, "alias": name, "version": str(number)}
        if self.client.call("POST", "registered-models/alias", said, absent=(ABSENT,)) is None:
            raise OptionError(f"{self.shown} has no version {number} any more: it was deleted in MLflow.")

    def remove_alias(self, name: str) -> None:
        """Remove an alias."""
        query = {"name": self.name, "alias": name}
        self.client.call("DELETE", "registered-models/alias", query, absent=(ABSENT, _INVALID))

    def comparisons(self) -> list[tuple[int, dict[str, Any]]]:
        """Comparisons that go on, the latest first."""
        found = self._now().comparisons
        return [(number, dict(found[number][0])) for number in sorted(found, reverse=True) if found[number][1]]

    def keep_comparison(self, said: Mapping[str, Any], number: int | None, keys: Sequence[bytes]) -> int:
        """Keep a comparison."""
        state = self._now()
        number = 1 + max(state.comparisons, default=0) if number is None else number
        state.comparisons[number] = (dict(said), True)
        state.counted.setdefault(number, set()).update(keys)
        return number

    def end_comparison(self, number: int) -> None:
        """It goes on no more."""
        state = self._now()
        state.comparisons[number] = (state.comparisons[number][0], False)
        state.counted.pop(number, None)

    def counted(self, number: int) -> set[bytes]:
        """Keys that a comparison has counted."""
        return set(self._now().counted.get(number, ()))

    def keep_fitted(self, number: int, keys: Iterable[bytes]) -> None:
        """Keep keys that a version learned from."""
        self._now().fitted.setdefault(number, set()).update(keys)

    def fitted(self, number: int) -> set[bytes]:
        """Keys that a version, or an earlier one, learned from."""
        return {key for version, keys in self._now().fitted.items() if version <= number for key in keys}

    def append(self, step: str, detail: Mapping[str, Any]) -> None:
        """Write an entry."""
        entries = self._now().entries
        n, before = (entries[-1].n, entries[-1].hash) if entries else (0, FIRST_HASH)
        entries.append(next_entry(n, before, step, detail))

    def put_version(self, number: int, bundle: Path) -> tuple[int, dict[str, Any]]:  # noqa: ARG002
        """Put a bundle's files into a folder of the run's artifacts, and make a model version of it, which MLflow numbers."""
        hashes = self.put_files(bundle)
        seal = hashes[MANIFEST]
        made = {
            "name": self.name,
            "source": f"{SCHEME}:/{self._files}/{BUNDLES}/{seal}",
            "run_id": self._run,
            "tags": [{"key": "headstart.seal", "value": seal}],
        }
        return int(self.client.call("POST", "model-versions/create", made)["model_version"]["version"]), signature_of(
            hashes
        )

    def parts(self, path: str, sha256: str) -> Iterator[bytes]:  # noqa: ARG002
        """A file among the run's artifacts."""
        if not self._files:
            self.model()
        return self.client.parts(f"{self._files}/{path}")

    def put_content(self, path: str, sha256: str, content: bytes) -> None:  # noqa: ARG002
        """Put a file among the run's artifacts."""
        self.client.put(f"{self._files}/{path}", content)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Write the state to a file of its own, then say by one call that it holds."""
        before = self._now()
        self._state = copy.deepcopy(before)
        try:
            yield
            self._write(self._state)
        except BaseException:
            self._state = before
            raise

    def step(self) -> AbstractContextManager[None]:
        """Each transaction is one of its own."""
        return nullcontext()

    def close(self) -> None:
        """There is nothing to be closed."""

    def _now(self) -> State:
        if self._state is not None:
            return self._state
        state = self._read()
        if self._keeps:
            self._state = state
        return state

    def _read(self) -> State:
        for n_left in reversed(range(_TRIES)):
            sha256 = str(self.model()[STATE])
            try:
                content = self._content("state", sha256)
                state = State.read(content, (lambda one: self._content("keys", one)) if self._has_keys else None)
            except StorageError:
                if n_left == 0:
                    raise
                continue
            self._written = (sha256, state.files()[1].sha256)
            return state
        raise AssertionError("the last try returns or raises")

    def _content(self, kind: str, sha256: str) -> bytes:
        where = f"{self._files}/{kind}/{sha256}.json"
        parts = [*checked_parts(lambda _: self.client.parts(where), sha256, _MAX_STATE)]
        if None in parts:
            raise StorageError(
                f"the log of {self.shown} cannot be read: the artifact {kind}/{sha256}.json of its run is missing, or is not what was written. "
                "Restore it there from a copy."
            )
        return b"".join(part for part in parts if part is not None)

    def _write(self, state: State) -> None:
        said, keys = state.files()
        before = self._written
        if keys.sha256 != before[1]:
            self.client.put(f"{self._files}/keys/{keys.sha256}.json", keys.content)
        self.client.put(f"{self._files}/state/{said.sha256}.json", said.content)
        self.client.call("POST", "registered-models/set-tag", {"name": self.name, "key": STATE, "value": said.sha256})
        self._written = (said.sha256, keys.sha256)
        for kind, old, new in (("state", before[0], said.sha256), ("keys", before[1], keys.sha256)):
            if old and old != new:
                with suppress(ServiceError):  # it is not needed any more, and does no harm
                    self.client.remove(f"{self._files}/{kind}/{old}.json")


def tags_of(entity: Mapping[str, Any]) -> dict[str, str]:
    """Tags of a model or a run."""
    return {str(one["key"]): str(one.get("value", "")) for one in entity.get("tags", ())}
