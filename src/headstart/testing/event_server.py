"""A server on this machine's own address that keeps what is posted, and gives it as server-sent events."""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator


class EventServer(ThreadingHTTPServer):
    """Keeps lines; a batch whose `Idempotency-Key` it knows is answered and left out.

    Attributes
    ----------
    lines : that were posted
    requests : path and headers of each
    refusals : statuses with which the next posts are answered
    """

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.lines: list[bytes] = []
        self.requests: list[tuple[str, dict[str, str]]] = []
        self.refusals: list[int] = []
        self.is_ending = False
        self.known: set[str] = set()
        self.guard = threading.Lock()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that has gone is none."""


class _Handler(BaseHTTPRequestHandler):
    server: EventServer
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.requests.append((self.path, {name.lower(): text for name, text in self.headers.items()}))
        status = self.server.refusals.pop(0) if self.server.refusals else 200
        key = self.headers.get("Idempotency-Key", "")
        with self.server.guard:
            if status == 200 and key not in self.server.known:
                self.server.known.add(key)
                self.server.lines += body.splitlines()
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def do_GET(self) -> None:
        last = self.headers.get("Last-Event-ID", "0")
        self.server.requests.append((self.path, {name.lower(): text for name, text in self.headers.items()}))
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        sent = int(last)
        while not self.server.is_ending:
            for line in self.server.lines[sent:]:
                sent += 1
                self.wfile.write(b"id: %d\ndata: %s\n\n" % (sent, line))
            self.wfile.flush()
            time.sleep(0.01)
        self.close_connection = True

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  its own signature
        """Say nothing."""


@contextmanager
def event_server() -> Iterator[EventServer]:
    """Run one until the block ends."""
    server = EventServer()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.is_ending = True
        server.shutdown()
        server.server_close()
        thread.join()
