"""What MLflow has no place for: the log, the comparisons and the keys of records, as files under their SHA-256."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from headstart.packaging.registries.log import LogEntry

if TYPE_CHECKING:
    from collections.abc import Callable

    Read = Callable[[str], bytes]


@dataclass(frozen=True)
class Content:
    """A file, and the hash by which it is found."""

    content: bytes
    sha256: str

    @classmethod
    def of(cls, said: Any) -> Content:
        """JSON of what is said."""
        content = json.dumps(said, sort_keys=True, separators=(",", ":")).encode()
        return cls(content, hashlib.sha256(content).hexdigest())


@dataclass
class State:
    """All of it at one moment.

    Attributes
    ----------
    comparisons : by number: what was kept, and whether it goes on
    counted, fitted : keys by the number of a comparison, of a version
    """

    entries: list[LogEntry] = field(default_factory=list)
    comparisons: dict[int, tuple[dict[str, Any], bool]] = field(default_factory=dict)
    counted: dict[int, set[bytes]] = field(default_factory=dict)
    fitted: dict[int, set[bytes]] = field(default_factory=dict)

    def files(self) -> tuple[Content, Content]:
        """The state, and the keys that it names by their hash."""
        keys = Content.of({"counted": _written(self.counted), "fitted": _written(self.fitted)})
        comparisons = [[number, said, is_open] for number, (said, is_open) in self.comparisons.items()]
        log = [list(entry.row()) for entry in self.entries]
        return Content.of({"log": log, "comparisons": comparisons, "keys": keys.sha256}), keys

    @classmethod
    def read(cls, content: bytes, keys: Read | None) -> State:
        """Inverse of `files`; without `keys` there are none.

        Raises
        ------
        ValueError, KeyError, TypeError
            It is none.
        """
        said = json.loads(content)
        found = {"counted": {}, "fitted": {}} if keys is None else json.loads(keys(str(said["keys"])))
        return cls(
            entries=[LogEntry.of_row(row) for row in said["log"]],
            comparisons={int(number): (dict(kept), bool(is_open)) for number, kept, is_open in said["comparisons"]},
            counted=_read(found["counted"]),
            fitted=_read(found["fitted"]),
        )


def _written(keys: dict[int, set[bytes]]) -> dict[str, list[str]]:
    return {str(number): sorted(key.hex() for key in found) for number, found in keys.items()}


def _read(said: dict[str, list[str]]) -> dict[int, set[bytes]]:
    return {int(number): {bytes.fromhex(key) for key in found} for number, found in said.items()}
