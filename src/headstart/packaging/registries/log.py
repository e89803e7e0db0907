"""The log of a registry: each entry holds a hash of itself and of the one before, so that a changed entry shows."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

FIRST_HASH = "0" * 64


@dataclass(frozen=True, kw_only=True)
class LogEntry:
    """One step.

    Attributes
    ----------
    n : 1 for the first
    at : time in UTC, ISO 8601
    step : what happened, in a word or two
    detail : figures and names
    hash : SHA-256 of the hash before and of all else here
    """

    n: int
    at: str
    step: str
    detail: dict[str, Any] = field(default_factory=dict)
    hash: str = ""

    def to_dict(self) -> dict[str, Any]:
        """As JSON says it."""
        return asdict(self)

    def hash_after(self, before: str) -> str:
        """The hash that it must have."""
        content = json.dumps([before, self.n, self.at, self.step, self.detail], sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(content.encode()).hexdigest()

    def row(self) -> tuple[int, str, str, str, str]:
        """As tables keep it: number, time, step, detail as JSON, hash."""
        return self.n, self.at, self.step, json.dumps(self.detail, sort_keys=True), self.hash

    @classmethod
    def of_row(cls, row: Sequence[Any]) -> LogEntry:
        """Inverse of `row`.

        Raises
        ------
        ValueError
            The detail is no JSON object.
        """
        n, at, step, detail, said = row
        found = json.loads(detail)
        if not isinstance(found, dict):
            raise ValueError(f"entry {n} of the log has no details")  # noqa: TRY004  whoever reads it catches one kind
        return cls(n=n, at=at, step=step, detail=found, hash=said)


def next_entry(n: int, before: str, step: str, detail: Mapping[str, Any]) -> LogEntry:
    """Make the entry that follows.

    Parameters
    ----------
    n, before : number and hash of the last one; 0 and `FIRST_HASH` if there is none
    """
    now = datetime.now(UTC).isoformat(timespec="milliseconds")
    entry = LogEntry(n=n + 1, at=now, step=step, detail=json.loads(json.dumps(detail)))
    return LogEntry(n=entry.n, at=now, step=step, detail=entry.detail, hash=entry.hash_after(before))


def first_broken(entries: Sequence[LogEntry]) -> int | None:
    """The number of the first entry that is not as it was written, or before which one is missing; None if all are whole."""
    before = FIRST_HASH
    for expected, entry in enumerate(entries, 1):
        if entry.n != expected or entry.hash != entry.hash_after(before):
            return expected
        before = entry.hash
    return None


def added_versions(entries: Sequence[LogEntry]) -> dict[int, dict[str, Any]]:
    """What was written of each version when it was added, by number: `seal`, the hash of its manifest, and how it came about."""
    return {int(one.detail["version"]): one.detail for one in entries if one.step == "added"}
