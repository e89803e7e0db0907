"""Registry: a folder of versions of one model, with the aliases champion and challenger, and a log of every step.

The link `champion` alone says which version answers. Whatever else a promotion writes lies before or after the one rename that moves
it, and what a crash left undone is finished or taken back by whoever opens the registry next.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Self

from headstart.core.errors import BundleError, OptionError, first_line
from headstart.packaging.manifest import read_manifest
from headstart.packaging.opening import load_bundle
from headstart.storage.alias import (
    CHALLENGER,
    CHAMPION,
    point_alias,
    read_alias,
    remove_alias,
    version_folder,
)
from headstart.storage.files import replacing, storage_errors
from headstart.updating import log
from headstart.updating.comparison import CHALLENGE, GUARD, Comparison

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from headstart.packaging.model import Bundle

DATABASE = "registry.sqlite"
PROMOTION, ROLLBACK = "promotion", "rollback"
TABLES = (
    log.TABLE,
    "CREATE TABLE comparisons (id INTEGER PRIMARY KEY, said TEXT NOT NULL, is_open INTEGER NOT NULL)",
    "CREATE TABLE counted (comparison INTEGER, key BLOB, PRIMARY KEY (comparison, key)) WITHOUT ROWID",
    "CREATE TABLE fitted (version INTEGER, key BLOB, PRIMARY KEY (version, key)) WITHOUT ROWID",
)


class Registry:
    """A registry that this process alone may change; made by `open_registry` and `create_registry`."""

    def __init__(self, folder: Path, database: sqlite3.Connection) -> None:
        self.folder = folder
        self._database = database

    @property
    def champion(self) -> int:
        """The number of the version that answers."""
        number = read_alias(self.folder, CHAMPION)
        if number is None:
            raise BundleError(f"{self.folder} has no champion. Say which: headstart update {self.folder} --rollback")
        return number

    @property
    def challenger(self) -> int | None:
        """The number of the version that is being judged; None if there is none."""
        return read_alias(self.folder, CHALLENGER)

    @property
    def former(self) -> int | None:
        """The champion before this one, to which a rollback goes; None if there was none."""
        champions = self._champions()
        return champions[-2] if len(champions) > 1 else None

    def path(self, number: int) -> Path:
        """Where a version lies."""
        return version_folder(self.folder, number)

    def open_version(self, number: int) -> Bundle:
        """Load a version, refusing it if it is not the one that was added."""
        path = self.path(number)
        if seal_of(path) != self._seals().get(number):
            raise BundleError(f"{path} is not the bundle that was added as version {number}. Restore it from a copy.")
        return load_bundle(path, trust=())

    def history(self) -> list[log.LogEntry]:
        """All steps, oldest first."""
        return log.read(self._database)

    def add(self, bundle: Path, how: str, fitted: Sequence[bytes] = (), **detail: Any) -> int:
        """Move a bundle in as a new version, and return its number.

        Parameters
        ----------
        how : it came about
        fitted : keys of the records that it learned from, which will never judge it
        """
        number = 1 + max(self._seals(), default=0)
        with replacing(self.path(number)) as partial:
            shutil.copytree(bundle, partial)
        seal = seal_of(self.path(number))
        with self._transaction():
            self._database.executemany("INSERT OR IGNORE INTO fitted VALUES (?, ?)", [(number, key) for key in fitted])
            self._log("added", version=number, how=how, seal=seal, **detail)
        return number

    def has_learned(self, number: int) -> set[bytes]:
        """Keys of the records that a version, or one it was made of, learned from."""
        rows = self._database.execute("SELECT key FROM fitted WHERE version <= ?", (number,))
        return {key for (key,) in rows}

    def challenge(self, number: int, comparison: Comparison, keys: Sequence[bytes]) -> Comparison:
        """Make a version the challenger, and keep its comparison with the champion, which goes on."""
        self.drop_challenger("another challenger took its place")
        with self._transaction():
            kept = self._keep(comparison, keys)
            self._log("challenge", version=number, **kept.figures())
        point_alias(self.folder, CHALLENGER, number)
        return kept

    def drop_challenger(self, why: str) -> None:
        """Give the challenger up, if there is one."""
        number = self.challenger
        if number is None:
            return
        with self._transaction():
            self._close(CHALLENGE)
            self._log("given up", version=number, why=why)
        remove_alias(self.folder, CHALLENGER)

    def comparison(self, kind: str) -> Comparison | None:
        """The comparison of a kind that goes on; None if there is none."""
        rows = self._database.execute("SELECT id, said FROM comparisons WHERE is_open ORDER BY id DESC")
        found = (Comparison.from_dict(json.loads(said), number) for number, said in rows)
        return next((one for one in found if one.kind == kind), None)

    def counted(self, comparison: Comparison) -> set[bytes]:
        """Keys of the records that a comparison has counted."""
        rows = self._database.execute("SELECT key FROM counted WHERE comparison = ?", (comparison.id,))
        return {key for (key,) in rows}

    def count(self, comparison: Comparison, keys: Sequence[bytes]) -> None:
        """Keep a comparison after it counted further records."""
        with self._transaction():
            kept = self._keep(comparison, keys)
            self._log("judged", n_new=len(keys), **kept.figures())

    def end_guard(self, why: str) -> None:
        """The former champion is no longer compared."""
        with self._transaction():
            self._close(GUARD)
            self._log("guard ended", why=why)

    def promote(self, number: int, why: str, guard: Comparison | None = None) -> None:
        """Make a version the champion, by one rename; the former one stays for a rollback.

        Parameters
        ----------
        guard : comparison by which the former champion is watched
        """
        if number not in self._seals():
            raise OptionError(f"{self.folder} has no version {number}. It has {', '.join(map(str, self._seals()))}.")
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
                f"{self.folder} has had one champion only, version {self.champion}: nothing to go back to."
            )
        self.open_version(former)
        self._move(ROLLBACK, former, why, None)
        return former

    def note(self, step: str, **detail: Any) -> None:
        """Write a step into the log."""
        with self._transaction():
            self._log(step, **detail)

    def problems(self) -> list[str]:
        """What is not as the log says, in sentences; none if all is whole."""
        entries = self.history()
        broken = log.first_broken(entries)
        found = [] if broken is None else [f"entry {broken} of the log is not as it was written"]
        for number, seal in self._seals().items():
            try:
                if seal_of(self.path(number)) != seal:
                    found.append(f"version {number} is not the bundle that was added")
                else:
                    load_bundle(self.path(number), trust=())
            except BundleError as error:
                found.append(f"version {number} is damaged ({first_line(error)})")
        champions = self._champions()
        if champions and champions[-1] != self.champion:
            found.append(f"the champion is version {self.champion}, and by the log it is version {champions[-1]}")
        return found

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
            remove_alias(self.folder, CHALLENGER)
        elif self.challenger != judged.second:
            point_alias(self.folder, CHALLENGER, judged.second)

    def _move(self, kind: str, number: int, why: str, guard: Comparison | None) -> None:
        said = {"from": self.champion, "to": number, "why": why, "guard": None if guard is None else guard.to_dict()}
        with self._transaction():
            self._log(f"{kind} begun", **said)
        point_alias(self.folder, CHAMPION, number)
        self._finish(kind, said, guard)

    def _finish(self, kind: str, said: dict[str, Any], guard: Comparison | None) -> None:
        with self._transaction():
            self._close(CHALLENGE)
            self._close(GUARD)
            if guard is not None:
                self._keep(guard, ())
            self._log(f"{kind} done", **{name: said[name] for name in ("from", "to", "why")})
        remove_alias(self.folder, CHALLENGER)

    def _keep(self, comparison: Comparison, keys: Sequence[bytes]) -> Comparison:
        said = json.dumps(comparison.to_dict())
        if comparison.id is None:
            made = self._database.execute("INSERT INTO comparisons (said, is_open) VALUES (?, 1)", (said,))
            comparison = replace(comparison, id=made.lastrowid)
        else:
            self._database.execute("UPDATE comparisons SET said = ? WHERE id = ?", (said, comparison.id))
        pairs = [(comparison.id, key) for key in keys]
        self._database.executemany("INSERT OR IGNORE INTO counted VALUES (?, ?)", pairs)
        return comparison

    def _close(self, kind: str) -> None:
        comparison = self.comparison(kind)
        if comparison is not None:
            self._database.execute("UPDATE comparisons SET is_open = 0 WHERE id = ?", (comparison.id,))
            self._database.execute("DELETE FROM counted WHERE comparison = ?", (comparison.id,))

    def _log(self, step: str, **detail: Any) -> None:
        log.append(self._database, step, detail)

    def _seals(self) -> dict[int, str]:
        return {int(one.detail["version"]): str(one.detail["seal"]) for one in self.history() if one.step == "added"}

    def _champions(self) -> list[int]:
        """Champions that led to this one: what was rolled back is not among them."""
        stack: list[int] = []
        for entry in self.history():
            if entry.step == "created":
                stack = [1]
            elif entry.step == f"{PROMOTION} done":
                stack.append(int(entry.detail["to"]))
            elif entry.step == f"{ROLLBACK} done":
                stack.pop()
        return stack

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        """All or nothing; a crash inside leaves the database as it was before."""
        with storage_errors(self.folder / DATABASE):
            self._database.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                self._database.execute("ROLLBACK")
                raise
            self._database.execute("COMMIT")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._database.close()


def seal_of(folder: Path) -> str:
    """The hash of a bundle's manifest, which has those of all other files."""
    return hashlib.sha256(read_manifest(folder)).hexdigest()
