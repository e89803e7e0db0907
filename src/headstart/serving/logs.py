"""One line of JSON for each request: who asked for what, how it went, how long it took. Never what was sent."""

from __future__ import annotations

import json
import logging
import random
import re
import sys
import time
from typing import TYPE_CHECKING, Any

from headstart.serving.asgi import header

if TYPE_CHECKING:
    from headstart.serving.asgi import Scope

_REQUEST_ID = re.compile(r"[\w.:-]{1,128}", re.ASCII)


def request_id(scope: Scope) -> str:
    """The caller's X-Request-Id where it is a plain word, else a new one."""
    given = header(scope, b"x-request-id")
    return given if _REQUEST_ID.fullmatch(given) else f"{random.getrandbits(64):016x}"


def write(event: str, **fields: Any) -> None:
    """Write one line on standard error, whole."""
    line = {"time": f"{_now()}", "event": event, **{key: value for key, value in fields.items() if value is not None}}
    sys.stderr.write(json.dumps(line, ensure_ascii=False) + "\n")


class Lines(logging.Handler):
    """Writes what libraries log in the same form."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write one record, its error by name only."""
        error = record.exc_info[1] if record.exc_info else None
        write(record.levelname.lower(), logger=record.name, message=record.getMessage(), error=error and repr(error))


def _now() -> str:
    seconds = time.time()
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds)) + f".{int(seconds * 1000) % 1000:03d}Z"
