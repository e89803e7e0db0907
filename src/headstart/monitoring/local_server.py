"""A server of one page on this machine's own address: HTML, JSON in and out, server-sent events. No page of another host may ask it."""

from __future__ import annotations

import json
import threading
import webbrowser
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, Self

from headstart.core.errors import OptionError, UserError
from headstart.core.strict_json import plain, to_json

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

_HOST = "127.0.0.1"
_MAX_BODY = 1 << 20
_MAX_CLIENTS = 32
_POLICY = "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"


class LocalServer:
    """Serves until it is stopped.

    Parameters
    ----------
    page : the HTML of `/`
    get, post : called with what came as JSON (None for GET) and give what is answered as JSON, by path
    events : gives the texts of server-sent events, by path, until it ends or its argument is set; None now and then, where there is nothing new
    port : 0 for any that is free

    Raises
    ------
    OptionError
        The port is taken.
    """

    def __init__(
        self,
        page: str,
        *,
        get: Mapping[str, Callable[[], Any]] | None = None,
        post: Mapping[str, Callable[[Any], Any]] | None = None,
        events: Mapping[str, Callable[[threading.Event], Iterator[str | None]]] | None = None,
        port: int = 0,
    ) -> None:
        self.page, self.get, self.post, self.events = page.encode(), get or {}, post or {}, events or {}
        self.stop = threading.Event()
        self.clients = threading.BoundedSemaphore(_MAX_CLIENTS)
        try:
            self._server = _Server((_HOST, port), _Handler)
        except OSError as error:
            raise OptionError(
                f"port {port} of {_HOST} cannot be taken ({error.strerror}). Give another --port."
            ) from error
        self._server.owner = self
        self.port = self._server.server_port
        self.url = f"http://{_HOST}:{self.port}/"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.1,), name="headstart-page", daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop.set()
        self._server.shutdown()
        self._server.server_close()

    def show(self) -> None:
        """Open the page in the user's browser, where there is one."""
        threading.Thread(target=webbrowser.open, args=(self.url,), daemon=True).start()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    owner: LocalServer

    def handle_error(self, *_: object) -> None:
        """Leave out a stack trace of a browser that has gone; its thread ends."""


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    timeout = 30
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: Any) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        """The page, or what it asks for."""
        owner, path = self.server.owner, self.path.partition("?")[0]
        if not self._is_ours():
            return
        if path == "/":
            self._send(HTTPStatus.OK, owner.page, "text/html; charset=utf-8")
        elif path in owner.get:
            self._answer(owner.get[path])
        elif path in owner.events:
            self._stream(owner.events[path])
        else:
            self._send(HTTPStatus.NOT_FOUND, b"there is nothing here", "text/plain")

    def do_POST(self) -> None:
        """What the page tells."""
        act = self.server.owner.post.get(self.path)
        if not self._is_ours():
            return
        length = self.headers.get("content-length", "")
        if act is None or not length.isdecimal() or int(length) > _MAX_BODY or not self._is_json():
            self.close_connection = True
            self._send(HTTPStatus.BAD_REQUEST, b"a body of JSON is needed, of 1 MiB at most", "text/plain")
            return
        body = self.rfile.read(int(length))
        self._answer(lambda: act(json.loads(body)))

    def _is_ours(self) -> bool:
        """Refuse pages of other hosts, and names that lead here from elsewhere."""
        port = self.server.server_port
        hosts = {f"{name}:{port}" for name in (_HOST, "localhost")}
        origin = self.headers.get("origin")
        if self.headers.get("host") in hosts and (origin is None or origin in {f"http://{host}" for host in hosts}):
            return True
        self.close_connection = True
        self._send(HTTPStatus.FORBIDDEN, b"this page is for this machine alone", "text/plain")
        return False

    def _is_json(self) -> bool:
        return self.headers.get("content-type", "").partition(";")[0].strip() == "application/json"

    def _answer(self, ask: Callable[[], Any]) -> None:
        try:
            status, value = HTTPStatus.OK, ask()
        except UserError as error:
            status, value = HTTPStatus.UNPROCESSABLE_ENTITY, {"error": str(error)}
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            status, value = HTTPStatus.BAD_REQUEST, {"error": f"this is not what the page sends ({error})"}
        self._send(status, to_json(plain(value)).encode("utf-8", "replace"), "application/json")

    def _send(self, status: HTTPStatus, content: bytes, kind: str) -> None:
        self.send_response(status)
        headers = {
            "content-type": kind,
            "content-length": str(len(content)),
            "cache-control": "no-store",
            "content-security-policy": _POLICY,
            "x-content-type-options": "nosniff",
            "referrer-policy": "no-referrer",
        }
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def _stream(self, events: Callable[[threading.Event], Iterator[str | None]]) -> None:
        owner = self.server.owner
        self.close_connection = True
        if not owner.clients.acquire(blocking=False):
            self._send(HTTPStatus.SERVICE_UNAVAILABLE, b"too many pages are open", "text/plain")
            return
        try:
            self.send_response(HTTPStatus.OK)
            for name, value in (
                ("content-type", "text/event-stream"),
                ("cache-control", "no-store"),
                ("connection", "close"),
            ):
                self.send_header(name, value)
            self.end_headers()
            for event in events(owner.stop):
                lines = "".join(f"data: {line}\n" for line in event.split("\n")) if event is not None else ":\n"
                self.wfile.write(f"{lines}\n".encode())
                self.wfile.flush()
        except OSError:  # the page was closed
            pass
        finally:
            owner.clients.release()
