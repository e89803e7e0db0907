"""What an unfriendly client does to a server: each probe is one thing, done again and again until it is told to stop."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from bench.robustness.costly_images import COSTLY

if TYPE_CHECKING:
    from collections.abc import Callable

MIB = 1 << 20
TEXT, PHOTO, INFER = "/v1/models/text/predict", "/v1/models/photo/predict", "/v2/models/text/infer"
JSON, CSV = "application/json", "text/csv"
N_WAITING = 300


@dataclass(frozen=True)
class Target:
    """A server to be probed; `is_over` tells a probe to stop."""

    port: int
    is_over: threading.Event = field(default_factory=threading.Event)

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=20)

    def send(self, path: str, content_type: str, body: bytes, *, n_more: int = 0) -> socket.socket:
        """Send a request whose body lacks `n_more` bytes."""
        connection = self.connect()
        head = f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: {content_type}\r\nContent-Length: {len(body) + n_more}\r\n\r\n"
        with contextlib.suppress(ConnectionError):  # refused before it was whole
            connection.sendall(head.encode() + body)
        return connection

    def ask(self, path: str, content_type: str, body: bytes) -> None:
        """Send a request and wait for the beginning of its answer."""
        with self.send(path, content_type, body) as connection, contextlib.suppress(ConnectionError):
            connection.recv(1 << 16)

    def send_on(self, head: bytes, part: bytes) -> None:
        """Send a beginning, and then a part of what never ends."""
        with self.connect() as connection, contextlib.suppress(ConnectionError):
            connection.sendall(head)
            while not self.is_over.is_set():
                connection.sendall(part)

    def keep(self, sent: bytes) -> None:
        """Keep many connections that have sent so much, and open those anew that are closed."""
        kept: list[socket.socket] = []
        while not self.is_over.wait(0.01):
            with contextlib.suppress(OSError):
                kept.append(self.connect())
                kept[-1].sendall(sent)
            if len(kept) > N_WAITING:
                kept.pop(0).close()
        for connection in kept:
            connection.close()


def asking(path: str, content_type: str, make: Callable[[], bytes]) -> Callable[[Target], None]:
    """A probe that sends one body; it is made in the run that needs it."""
    made: list[bytes] = []

    def probe(target: Target) -> None:
        if not made:
            made.append(make())
        target.ask(path, content_type, made[0])

    return probe


def sending_on(head: bytes, part: bytes) -> Callable[[Target], None]:
    """A probe that never ends its request."""
    return lambda target: target.send_on(head, part)


def keeping(sent: bytes) -> Callable[[Target], None]:
    """A probe that keeps connections."""
    return lambda target: target.keep(sent)


def hold_bodies(target: Target) -> None:
    """Keep bodies whose last byte never comes."""
    held = [target.send(TEXT, JSON, b"x" * (31 * MIB), n_more=1) for _ in range(10)]
    target.is_over.wait(5)
    for connection in held:
        connection.close()


def hang_up(target: Target) -> None:
    """Send much work and leave."""
    target.send(TEXT, JSON, json.dumps({"items": ["some words here " * 2_000] * 64}).encode()).close()


def repeat_outputs() -> bytes:
    tensor = {"name": "items", "datatype": "BYTES", "shape": [256], "data": ["a"] * 256}
    return json.dumps({"inputs": [tensor], "outputs": [{"name": "probabilities"}] * 20_000}).encode()


def raw_strings() -> bytes:
    tensor = {"name": "items", "datatype": "BYTES", "shape": [1 << 30], "data": []}
    return json.dumps({"inputs": [tensor]}).encode()


PART = b'--X\r\nContent-Disposition: form-data; name="f"\r\n\r\nx\r\n'
HEAD = b"POST /v1/models/text/predict HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
CHUNK = b"10000\r\n" + b"x" * 65_536 + b"\r\n"

PROBES: dict[str, dict[str, Callable[[Target], None]]] = {
    "C1": {
        "15 million rows of CSV": asking(TEXT, CSV, lambda: b"text\n" + b"a\n" * (15 * MIB)),
        "8 million columns of CSV": asking(TEXT, CSV, lambda: b"a," * (8 * MIB) + b"text\n"),
        "30,000 columns, 256 rows": asking(TEXT, CSV, lambda: b"a," * 30_000 + b"text\n" + b"1\n" * 256),
        "10 million lists in JSON": asking(TEXT, JSON, lambda: b'{"items":[' + b"[]," * (10 * MIB) + b"[]]}"),
        "2 million keys in JSON": asking(
            TEXT, JSON, lambda: b"{" + b",".join(b'"%x":0' % i for i in range(2_000_000)) + b"}"
        ),
        "15 million lines of JSON": asking(TEXT, "application/jsonl", lambda: b"1\n" * (15 * MIB)),
        "500,000 parts of a form": asking(TEXT, "multipart/form-data; boundary=X", lambda: PART * 500_000),
    },
    "C2": {name: asking(PHOTO, "image/jpeg", make) for name, make in COSTLY.items()},
    "C3": {
        "an output asked for 20,000 times": asking(INFER, JSON, repeat_outputs),
        "a shape of a billion": asking(INFER, JSON, raw_strings),
    },
    "C4": {
        "a header without end": sending_on(HEAD + b"X: ", b"a" * 65_536),
        "headers without end": sending_on(HEAD, b"X: b\r\n" * 10_000),
        "a URL without end": sending_on(b"GET /v2?", b"a" * 65_536),
        "a trailer without end": sending_on(CHUNKED + b"0\r\nX: ", b"a" * 65_536),
        "a body without end": sending_on(CHUNKED, CHUNK),
        "connections that are silent": keeping(b""),
        "connections with half a head": keeping(HEAD),
    },
    "C5": {"bodies that are held": hold_bodies, "clients that hang up": hang_up},
}
"""By the point of the issue, and by what there is too much of."""
