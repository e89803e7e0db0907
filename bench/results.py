"""Rows of a long bench, kept as JSON lines: a bench that was killed goes on after the rows that are there."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

Row = dict[str, Any]


@dataclass(frozen=True)
class Results:
    """The rows of one file, each found again by the values of its key; without a file they are not kept."""

    path: Path | None
    rows: list[Row] = field(default_factory=list)

    @classmethod
    def open(cls, path: Path | None) -> Results:
        """Read what is there; a last line that a kill has cut off is left out, and computed again."""
        if path is None:
            return cls(None)
        path.parent.mkdir(parents=True, exist_ok=True)
        lines = path.read_text().splitlines() if path.exists() else []
        rows = list(filter(None, map(_row, lines)))
        if len(rows) < len(lines):
            path.write_text("".join(f"{json.dumps(row)}\n" for row in rows))
        return cls(path, rows)

    def find(self, **key: Any) -> list[Row]:
        """All rows with these values."""
        return [row for row in self.rows if key.items() <= row.items()]

    def get_or_compute(self, compute: Callable[[], Row], **key: Any) -> Row:
        """Give the row that is kept under `key`, or compute it, with the machine's load, and keep it."""
        kept = self.find(**key)
        if kept:
            return kept[-1]
        before = os.getloadavg()[0]
        row = {**key, **compute(), "load": [round(before, 1), round(os.getloadavg()[0], 1)]}
        if self.path is not None:
            with self.path.open("a") as file:
                file.write(f"{json.dumps(row)}\n")
        self.rows.append(row)
        return row


def _row(line: str) -> Row | None:
    try:
        return json.loads(line)
    except json.JSONDecodeError:
        return None
