"""The live page: reads how a watch stands from its folder, and tells browsers whenever that has changed."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from headstart.core.errors import DataError, StorageError
from headstart.core.strict_json import plain
from headstart.monitoring.label_page import page_of
from headstart.monitoring.live_watch import LIVE_JSON
from headstart.monitoring.local_server import LocalServer

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from headstart.monitoring.contest import Contest

_LOOK_S = 0.5
_N_QUIET = 20  # looks after which a comment is sent, so that a browser that has gone is noticed


class LivePage:
    """Shows a watch; it may be written by another process, or by none yet.

    Parameters
    ----------
    folder : of the watch
    contest : asked how the versions of the model stand against each other; None where there is one version
    """

    def __init__(self, folder: Path, *, contest: Callable[[], Contest] | None = None) -> None:
        self._path = folder / LIVE_JSON
        self._contest = contest

    def server(self, port: int = 0) -> LocalServer:
        """Make the server of the page; it starts when it is entered."""
        return LocalServer(
            page_of("live_page.html"), get={"/state": self.state}, events={"/events": self.events}, port=port
        )

    def state(self) -> dict[str, Any]:
        """How things stand: `watch`, null where nothing was written yet, and `contest`, null where there is none.

        Raises
        ------
        DataError
            The file is damaged.
        """
        return {"watch": self._watch(), "contest": None if self._contest is None else asdict(self._contest())}

    def events(self, stop: threading.Event) -> Iterator[str | None]:
        """Tell the state whenever it has changed."""
        seen, n_quiet = None, 0
        while True:
            changed = (self._changed(), None if self._contest is None else self._contest())
            if changed != seen:
                seen, n_quiet = changed, 0
                yield self._said()
            else:
                n_quiet += 1
                if n_quiet % _N_QUIET == 0:
                    yield None
            if stop.wait(_LOOK_S):
                return

    def _said(self) -> str | None:
        try:
            return json.dumps(plain(self.state()), ensure_ascii=False)
        except (DataError, StorageError):  # `state` says it to who asks; the page goes on showing what it has
            return None

    def _watch(self) -> Any:
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

    def _changed(self) -> int:
        try:
            return self._path.stat().st_mtime_ns
        except OSError:
            return 0
