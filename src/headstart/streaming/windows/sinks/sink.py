"""Sink: a place that windows are written to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from headstart.streaming.windows.rows import Stretch


class Sink(Protocol):
    """Takes windows that are over."""

    def write(self, found: Sequence[Stretch]) -> None:
        """Write them; they are durable when this returns, and writing them again changes nothing.

        Raises
        ------
        ServiceError, StorageError
            They may or may not be there; the caller writes the same again.
        """
        ...
