"""A batch of a stream as a watch needs it, on its way from the process that answered it to the monitor."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from headstart.core.errors import UserError
from headstart.monitoring.sums import SeenRecords

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from headstart.streaming.record import Record

_MAX_LETTERS = 240
_PROJECTION = "projection/"


@dataclass(frozen=True, kw_only=True)
class WatchBatch:
    """Records that were answered together.

    Attributes
    ----------
    seen : what is watched of them
    at : when they were written, seconds since 1970; None takes each record's own time
    n_dead : records that could not be read
    latencies_s : of all records, from receiving to writing
    n_waits : how often a place was away since the batch before
    previews : records in a few words by key, where they may be shown
    period : the number of the model that answered, as `WatchStore.announce` gives it; 0 for the one that is watched
    """

    seen: SeenRecords
    at: float | None = None
    n_dead: int = 0
    latencies_s: Sequence[float] = ()
    n_waits: int = 0
    previews: Mapping[str, str] = field(default_factory=dict)
    period: int = 0

    def to_bytes(self) -> tuple[str, bytes]:
        """As words (JSON) and arrays."""
        from headstart.packaging.bundle import safetensors

        seen = self.seen
        words = {
            "keys": list(seen.keys),
            "times": list(seen.times),
            "levels": {name: list(levels) for name, levels in seen.levels.items()},
            "hashes": list(seen.hashes),
            "n_unreadable": seen.n_unreadable,
            "outside": dict(seen.outside),
            "schema": seen.schema,
            "at": self.at,
            "n_dead": self.n_dead,
            "n_waits": self.n_waits,
            "previews": dict(self.previews),
            "period": self.period,
        }
        arrays = {
            "values": seen.values,
            "outputs": np.asarray(seen.outputs, np.float64),
            "latencies_s": np.asarray(self.latencies_s, np.float64),
            **{f"{_PROJECTION}{name}": np.asarray(one, np.float64) for name, one in seen.projections.items()},
        }
        return json.dumps(words), safetensors(arrays)

    @classmethod
    def from_bytes(cls, words: str, arrays: bytes) -> WatchBatch:
        """Inverse of `to_bytes`."""
        from safetensors.numpy import load

        said: dict[str, Any] = json.loads(words)
        held = load(arrays)
        seen = SeenRecords(
            values=held["values"],
            outputs=held["outputs"],
            projections={
                name.removeprefix(_PROJECTION): one for name, one in held.items() if name.startswith(_PROJECTION)
            },
            **{name: said[name] for name in ("keys", "times", "levels", "hashes", "n_unreadable", "outside", "schema")},
        )
        latencies_s = held["latencies_s"].tolist()
        return cls(
            seen=seen,
            latencies_s=latencies_s,
            **{name: said[name] for name in ("at", "n_dead", "n_waits", "previews")},
            period=said.get("period", 0),
        )


def previews_of(records: Sequence[Record], items: Sequence[Any]) -> dict[str, str]:
    """Each record in a few words, by key."""
    return {record.key: preview(item) for record, item in zip(records, items, strict=True)}


def preview(item: Any) -> str:
    """An item in a few words.

    >>> preview({"age": 3.25, "job": "pilot"})
    'age: 3.25, job: pilot'
    """
    if isinstance(item, UserError):
        return str(item)[:_MAX_LETTERS]
    if isinstance(item, dict):
        return ", ".join(f"{name}: {preview(value)}" for name, value in item.items())[:_MAX_LETTERS]
    if isinstance(item, float):
        return f"{item:.6g}"
    return str(item)[:_MAX_LETTERS] if isinstance(item, str | int) else "a photo"
