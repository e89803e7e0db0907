"""A worker as a process of its own: told what to do on standard input, tells what happens on standard output, a line of JSON each."""

from __future__ import annotations

import json
import os
import sys
import threading
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from headstart.core.errors import HeadstartError
from headstart.engines.cancelling import CancelToken
from headstart.engines.events import NoticeGiven
from headstart.streaming.recorders import RecorderSettings
from headstart.streaming.settings import StreamSettings
from headstart.streaming.windows.settings import WindowSettings
from headstart.streaming.worker import run_worker

if TYPE_CHECKING:
    from headstart.engines.events import Event


class _Relay:
    """A reporter that hands notices to the process that started this one."""

    def __init__(self, cancel_token: CancelToken) -> None:
        self.cancel_token = cancel_token
        self._lock = threading.Lock()

    def receive(self, event: Event) -> None:
        if isinstance(event, NoticeGiven):
            self.say({"kind": event.notice.kind, "message": event.notice.message})

    def say(self, value: dict[str, Any]) -> None:
        with self._lock, suppress(OSError):
            sys.stdout.write(json.dumps(value) + "\n")
            sys.stdout.flush()


def main() -> int:
    """Be one worker."""
    told = json.loads(sys.stdin.readline())
    state, windows = told["settings"]["state"], told["settings"]["windows"]
    settings = replace(
        StreamSettings(**told["settings"]),
        state=None if state is None else Path(state),
        windows=None if windows is None else WindowSettings(**windows),
    )
    token = CancelToken()
    relay = _Relay(token)

    def watch() -> None:
        sys.stdin.read()
        token.cancel()

    threading.Thread(target=watch, daemon=True).start()
    bundle, from_, to = told["words"]
    recorders = [RecorderSettings(**one) for one in told["recorders"]]
    try:
        summary = run_worker(bundle, from_, to, settings, reporter=relay, recorders=recorders, worker=told["worker"])
    except HeadstartError as error:
        relay.say({"error": type(error).__name__, "message": str(error)})
        return error.exit_code
    relay.say({"summary": summary.to_dict()})
    return 0


if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    os._exit(code)  # the thread that watches standard input would hold the interpreter up
