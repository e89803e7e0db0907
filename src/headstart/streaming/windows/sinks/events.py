"""Windows as outputs of a stream, to any address; the key is the window, so that a place that drops what it knows has each once."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import TYPE_CHECKING, Any

from headstart.streaming.connecting import outlet_of
from headstart.streaming.record import Output

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from headstart.streaming.windows.rows import Row, Stretch

_LABEL = "label"


class Events:
    """Writes to an address, which is opened for each write, since windows are seldom.

    Raises
    ------
    OptionError, MissingExtraError
        As `outlet_of`.
    """

    def __init__(self, address: str, *, worker: int = 0, n_workers: int = 1) -> None:
        self._address = address
        self._shared = {"worker": worker, "n_workers": n_workers}
        outlet_of(address, **self._shared)

    def write(self, found: Sequence[Stretch]) -> None:
        """Send an event for each row."""
        asyncio.run(self._send([output for one in found for output in _outputs(one)]))

    async def _send(self, outputs: Sequence[Output]) -> None:
        outlet = outlet_of(self._address, **self._shared)
        try:
            await outlet.open()
            await outlet.send(outputs)
        finally:
            await outlet.close()


def _outputs(one: Stretch) -> Iterator[Output]:
    for table, rows in one.rows.items():
        for row in rows:
            said = {name: value.isoformat() if isinstance(value, datetime) else value for name, value in row.items()}
            key = _key(table, said)
            yield Output(
                key=key,
                value={"key": key, "table": table, **said},
                partition=row["group_value"],
                time=one.stop / 1e6,
            )


def _key(table: str, said: Row) -> str:
    words: list[Any] = [table, said["window_start"], said["window_end"], said["group_value"]]
    if _LABEL in said:
        words.append(said[_LABEL])
    if table == "late":
        words.append(said["n"])  # the count grows: a later one is another event
    return "/".join(map(str, words))
