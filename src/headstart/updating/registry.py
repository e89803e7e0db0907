"""Registry: versions of one model, with the aliases champion and challenger, and a log of every step.

The alias `champion` alone says which version answers. Whatever else a promotion writes lies before or after the one step that moves
it, and what a crash left undone is finished or taken back by whoever opens the registry next.
"""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from headstart.core.errors import BundleError, OptionError, first_line
from headstart.packaging.manifest import read_manifest
from headstart.packaging.opening import load_bundle
from headstart.packaging.registries.log import added_versions, first_broken
from headstart.storage.alias import CHALLENGER, CHAMPION
from headstart.updating.comparison import CHALLENGE, GUARD, Comparison

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from headstart.packaging.model import Bundle
    from headstart.packaging.registries.log import LogEntry
    from headstart.packaging.registries.store import ReadableStore, Store

PROMOTION, ROLLBACK = "promotion", "rollback"
CREATED, ADDED = "created", "added"


class RegistryView:
    """What a registry holds, to be read; made by `look_into`."""

    def __init__(self, store: ReadableStore) -> None:
        self._read = store
        self.shown = store.shown

    @property
    def champion(self) -> int:
        """The number of the version that answers."""
        number = self._read.alias(CHAMPION)
        if number is None:
            raise BundleError(f"{self.shown} has no champion. Say which: headstart update {self.shown} --rollback")
        return number

    @property
    def challenger(self) -> int | None:
        """The number of the version that is being judged; None if there is none."""
        return self._read.alias(CHALLENGER)

    @property
    def former(self) -> int | None:
        """The champion before this one, to which a rollback goes; None if there was none."""
        champions = self._champions()
        return champions[-2] if len(champions) > 1 else None

    def path(self, number: int) -> Path:
        """Where a version lies; what lies elsewhere is brought here."""
        return self._read.version(number, self._said_of(number))

    def open_version(self, number: int) -> Bundle:
        """Load a version, refusing it if it is not the one that was added."""
        path = self.path(number)
        if seal_of(path) != self._said_of(number)["seal"]:
            raise BundleError(f"{path} is not the bundle that was added as version {number}. Restore it from a copy.")
        return load_bundle(path, trust=())

    def history(self) -> list[LogEntry]:
        """All steps, oldest first."""
        return self._read.entries()

    def comparison(self, kind: str) -> Comparison | None:
        """The comparison of a kind that goes on; None if there is none."""
        found = (Comparison.from_dict(said, number) for number, said in self._read.comparisons())
        return next((one for one in found if one.kind == kind), None)

    def kept_files(self, name: str, step: str) -> Path | None:
        """Where the files lie that a step kept; None if there are none."""
        said = next((one.detail for one in reversed(self.history()) if one.step == step), {})
        return self._read.kept_files(name, said.get("files"))

    def problems(self) -> list[str]:
        """What is not as the log says, in sentences; none if all is whole."""
        broken = first_broken(self.history())
        found = [] if broken is None else [f"entry {broken} of the log is not as it was written"]
        for number, said in self._added().items():
            try:
                with self._read.version_anew(number, said) as path:
                    if seal_of(path) != said["seal"]:
                        found.append(f"version {number} is not the bundle that was added")
                    else:
                        load_bundle(path, trust=())
            except BundleError as error:
                found.append(f"version {number} is damaged ({first_line(error)})")
        champions = self._champions()
        if champions and champions[-1] != self.champion:
            found.append(f"the champion is version {self.champion}, and by the log it is version {champions[-1]}")
        return found

    def _added(self) -> dict[int, dict[str, Any]]:
        return added_versions(self.history())

    def _said_of(self, number: int) -> dict[str, Any]:
        known = self._added().get(number)
        if known is None:
            raise BundleError(
                f"{self.shown} has a version {number} of which its log knows nothing. Roll back to another."
            )
        return known

    def _champions(self) -> list[int]:
        """Champions that led to this one: what was rolled back is not among them."""
        stack: list[int] = []
        for entry in self.history():
            if entry.step == CREATED:
                stack = [int(entry.detail["champion"])]
            elif entry.step == f"{PROMOTION} done":
                stack.append(int(entry.detail["to"]))
            elif entry.step == f"{ROLLBACK} done":
                stack.pop()
        return stack


class Registry(RegistryView):
    """A registry that this process alone may change; made by `open_registry`."""

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self._store = store

    def create(self, bundle: Path) -> None:
        """Make a bundle the first version, and the champion."""
        with self._store.step():
            number = self.add(bundle, "given")
            self.note(CREATED, champion=number)
            self._store.point_alias(CHAMPION, number)

    def add(self, bundle: Path, how: str, fitted: Sequence[bytes] = (), **detail: Any) -> int:
        """Copy a bundle in as a new version, and return its number.

        Parameters
        ----------
        how : it came about
        fitted : keys of the records that it learned from, which will never judge it
        """
        seal = seal_of(bundle)
        with self._store.step():
            number, said = self._store.put_version(1 + max(self._added(), default=0), bundle)
            with self._store.transaction():
                self._store.keep_fitted(number, fitted)
                self._store.append(ADDED, {"version": number, "how": how, "seal": seal, **said, **detail})
        return number

    def has_learned(self, number: int) -> set[bytes]:
        """Keys of the records that a version, or one it was made of, learned from."""
        return self._store.fitted(number)

    def challenge(self, number: int, comparison: Comparison, keys: Sequence[bytes]) -> Comparison:
        """Make a version the challenger, and keep its comparison with the champion, which goes on."""
        with self._store.step():
            self.drop_challenger("another challenger took its place")
            with self._store.transaction():
                kept = self._keep(comparison, keys)
                self._store.append("challenge", {"version": number, **kept.figures()})
            self._store.point_alias(CHALLENGER, number)
        return kept

    def drop_challenger(self, why: str) -> None:
        """Give the challenger up, if there is one."""
        number = self.challenger
        if number is None:
            return
        with self._store.step():
            with self._store.transaction():
                self._close(CHALLENGE)
                self._store.append("given up", {"version": number, "why": why})
            self._store.remove_alias(CHALLENGER)

    def counted(self, comparison: Comparison) -> set[bytes]:
        """Keys of the records that a comparison has counted."""
        return set() if comparison.id is None else self._store.counted(comparison.id)

    def count(self, comparison: Comparison, keys: Sequence[bytes]) -> None:
        """Keep a comparison after it counted further records."""
        with self._store.transaction():
            kept = self._keep(comparison, keys)
            self._store.append("judged", {"n_new": len(keys), **kept.figures()})

    def end_guard(self, why: str) -> None:
        """The former champion is no longer compared."""
        with self._store.transaction():
            self._close(GUARD)
            self._store.append("guard ended", {"why": why})

    def promote(self, number: int, why: str, guard: Comparison | None = None) -> None:
        """Make a version the champion, by one step of the store; the former one stays for a rollback.

        Parameters
        ----------
        guard : comparison by which the former champion is watched
        """
        known = self._added()
        if number not in known:
            raise OptionError(f"{self.shown} has no version {number}. It has {', '.join(map(str, known))}.")
        self.open_version(number)
        self._move(PROMOTION, number, why, guard)

    def roll_back(self, why: str) -> int:
        """Make the former champion the champion again; return its number.

        Raises
        ------
        OptionError
            There was none.
        """
        former = self.former
        if former is None:
            raise OptionError(
                f"{self.shown} has had one champion only, version {self.champion}: nothing to go back to."
            )
        self.open_version(former)
        self._move(ROLLBACK, former, why, None)
        return former

    def note(self, step: str, **detail: Any) -> None:
        """Write a step into the log."""
        with self._store.transaction():
            self._store.append(step, detail)

    def keep_files(self, name: str, folder: Path, step: str, **detail: Any) -> None:
        """Keep the files of a folder under a name, in the place of earlier ones; the log says their hashes."""
        hashes = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.iterdir())}
        with self._store.step():
            self._store.keep_files(name, folder)
            self.note(step, **detail, files=hashes)

    def settle(self) -> None:
        """Finish, or take back, what a crash left undone."""
        last = next(
            (one for one in reversed(self.history()) if one.step.partition(" ")[0] in (PROMOTION, ROLLBACK)), None
        )
        if last is not None and last.step.endswith(" begun"):
            kind, said = last.step.partition(" ")[0], last.detail
            if self.champion == said["to"]:
                guard = said.get("guard")
                self._finish(kind, said, None if guard is None else Comparison.from_dict(guard))
            else:
                self.note(f"{kind} taken back", to=said["to"], stays=self.champion)
        judged = self.comparison(CHALLENGE)
        if judged is None:
            self._store.remove_alias(CHALLENGER)
        elif self.challenger != judged.second:
            self._store.point_alias(CHALLENGER, judged.second)

    def _move(self, kind: str, number: int, why: str, guard: Comparison | None) -> None:
        said = {"from": self.champion, "to": number, "why": why, "guard": None if guard is None else guard.to_dict()}
        with self._store.step():
            self.note(f"{kind} begun", **said)
            self._store.point_alias(CHAMPION, number)
            self._finish(kind, said, guard)

    def _finish(self, kind: str, said: dict[str, Any], guard: Comparison | None) -> None:
        with self._store.transaction():
            self._close(CHALLENGE)
            self._close(GUARD)
            if guard is not None:
                self._keep(guard, ())
            self._store.append(f"{kind} done", {name: said[name] for name in ("from", "to", "why")})
        self._store.remove_alias(CHALLENGER)

    def _keep(self, comparison: Comparison, keys: Sequence[bytes]) -> Comparison:
        return replace(comparison, id=self._store.keep_comparison(comparison.to_dict(), comparison.id, keys))

    def _close(self, kind: str) -> None:
        comparison = self.comparison(kind)
        if comparison is not None and comparison.id is not None:
            self._store.end_comparison(comparison.id)


def seal_of(folder: Path) -> str:
    """The hash of a bundle's manifest, which has those of all other files."""
    return hashlib.sha256(read_manifest(folder)).hexdigest()
