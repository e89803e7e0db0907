"""Offsets: how far each partition of a log may be committed while records are acknowledged in any order."""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Collection

Partition = TypeVar("Partition")


class Offsets(Generic[Partition]):
    """Positions that were delivered, and which of them are done.

    >>> offsets = Offsets()
    >>> for offset in (5, 6, 7):
    ...     offsets.delivered("a", offset)
    >>> offsets.done("a", 6)
    >>> offsets.to_commit()
    {}
    >>> offsets.done("a", 5)
    >>> offsets.to_commit()
    {'a': 7}
    """

    def __init__(self) -> None:
        self._is_done: dict[Partition, dict[int, bool]] = {}

    def delivered(self, partition: Partition, offset: int) -> None:
        """Note a delivery; offsets of a partition come in rising order."""
        self._is_done.setdefault(partition, {})[offset] = False

    def done(self, partition: Partition, offset: int) -> None:
        """Note an acknowledgement."""
        if offset in self._is_done.get(partition, {}):
            self._is_done[partition][offset] = True

    def to_commit(self) -> dict[Partition, int]:
        """Give, for each partition that went on, the next offset to read; what lies before it is forgotten."""
        commits = {}
        for partition, is_done in self._is_done.items():
            for offset in list(is_done):
                if not is_done[offset]:
                    break
                del is_done[offset]
                commits[partition] = offset + 1
        return commits

    def keep_only(self, partitions: Collection[Partition]) -> None:
        """Forget partitions that another worker has now."""
        for partition in self._is_done.keys() - set(partitions):
            del self._is_done[partition]
