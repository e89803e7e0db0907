"""Journal: a small JSON object that survives the process, such as how far a file has been read."""

from __future__ import annotations

import hashlib
import json
import os
import re
import time
from typing import TYPE_CHECKING, Any

from headstart.storage.files import storage_errors, write_file

if TYPE_CHECKING:
    from pathlib import Path

_DURABLE_S = 1.0  # a power cut loses at most so much of it; a killed process loses nothing


class Journal:
    """One object in a file of its own.

    Parameters
    ----------
    folder : where it lies; None: it is kept in memory alone
    name : what it is about, any text
    """

    def __init__(self, folder: Path | None, name: str) -> None:
        word = re.sub(r"[^\w.-]+", "-", name)[-60:].strip("-.")
        digest = hashlib.sha256(name.encode()).hexdigest()[:12]
        self.path = None if folder is None else folder / f"{word}-{digest}.json"
        self._value: dict[str, Any] = {}
        self._synced_s = 0.0

    def load(self) -> dict[str, Any]:
        """What was saved last; empty where there is nothing, or what is there is damaged."""
        if self.path is not None:
            try:
                value = json.loads(self.path.read_bytes())
            except (OSError, ValueError, RecursionError):
                return {}
            return value if isinstance(value, dict) else {}
        return self._value

    def save(self, value: dict[str, Any], *, durable: bool = False) -> None:
        """Put an object in the place of the last.

        Raises
        ------
        StorageError
            The folder cannot be written.
        """
        self._value = value
        if self.path is None:
            return
        content = json.dumps(value).encode()
        if durable or time.monotonic() - self._synced_s > _DURABLE_S:
            self._synced_s = time.monotonic()
            write_file(self.path, content)
            return
        with storage_errors(self.path):
            partial = self.path.with_name(f".{self.path.name}.{os.getpid()}.partial")
            partial.write_bytes(content)
            partial.replace(self.path)
