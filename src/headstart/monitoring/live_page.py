"""The live page: reads how a watch stands from its folder, and tells browsers whenever that has changed."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from headstart.core.errors import DataError, StorageError
from headstart.monitoring.label_page import page_of
from headstart.monitoring.live_watch import LIVE_JSON
from headstart.monitoring.local_server import LocalServer

if TYPE_CHECKING:
    import threading
    from collections.abc import Iterator
    from pathlib import Path

_LOOK_S = 0.5
_N_QUIET = 20  # looks after which a comment is sent, so that a browser that has gone is noticed


class LivePage:
    """Shows a watch; it may be written by another process, or by none yet.

    Parameters
    ----------
    folder : of the watch
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / LIVE_JSON

    def server(self, port: int = 0) -> LocalServer:
        """Make the server of the page; it starts when it is entered."""
        return LocalServer(
            page_of("live_page.html"), get={"/state": self.state}, events={"/events": self.events}, port=port
        )

    def state(self) -> Any:
        """How the watch stands; null where nothing was written yet.

        Raises
        ------
        DataError
            The file is damaged.
        """
        try:
            return json.loads(self._path.read_text("utf-8"))
        except FileNotFoundError:
            return None
        except OSError as error:
            raise StorageError(f"'{self._path}' cannot be read ({error}).") from error
        except ValueError as error:
            raise DataError(
                f"'{self._path}' is not what a watch wrote. Remove it; the stream writes it anew."
            ) from error

    def events(self, stop: threading.Event) -> Iterator[str | None]:
        """Give the file whenever it has changed."""
        seen, n_quiet = -1, 0
        while True:
            changed = self._changed()
            if changed != seen and changed:
                seen, n_quiet = changed, 0
                yield self._path.read_text("utf-8")
            else:
                n_quiet += 1
                if n_quiet % _N_QUIET == 0:
                    yield None
            if stop.wait(_LOOK_S):
                return

    def _changed(self) -> int:
        try:
            return self._path.stat().st_mtime_ns
        except OSError:
            return 0
