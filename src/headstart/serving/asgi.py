"""Requests and answers at the level of ASGI: headers, JSON in and out, refusals with their status."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from headstart.core.errors import HeadstartError, UserError
from headstart.data.payloads import OversizedError, check_json_size

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, MutableMapping

    Scope = MutableMapping[str, Any]
    Message = MutableMapping[str, Any]
    Receive = Callable[[], Awaitable[Message]]
    Send = Callable[[Message], Awaitable[None]]
    Headers = Iterable[tuple[bytes, bytes]]

JSON = b"application/json"
OCTETS = b"application/octet-stream"
_SMALL_NUMBER = re.compile(r"\d{1,12}", re.ASCII)
_ADDRESS = re.compile(r" ?at 0x[0-9a-f]+")  # of an object, as it is written where it has no better name
_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False)


class RequestError(UserError):
    """A request that is answered with an error of HTTP: 4xx, or 503 and 504 where the server is what lacks."""

    def __init__(self, status: int, message: str, headers: Headers = ()) -> None:
        super().__init__(message)
        self.status = status
        self.headers = tuple(headers)


class Disconnected(Exception):  # noqa: N818  nothing went wrong here: the client has left
    """The client closed the connection before its request was whole."""


def header(scope: Scope, name: bytes) -> str:
    """Value of a header by its lower-case name; empty if it was not sent."""
    for key, value in scope["headers"]:
        if key == name:
            text: str = value.decode("latin-1")
            return text
    return ""


def small_number(text: str) -> int | None:
    """Read a whole number of at most twelve digits; None if it is anything else."""
    return int(text) if _SMALL_NUMBER.fullmatch(text) else None


async def answer(
    send: Send, content: bytes, *, status: int = 200, media_type: bytes = JSON, headers: Headers = ()
) -> None:
    """Send a whole answer."""
    described = [(b"content-type", media_type), (b"content-length", b"%d" % len(content)), *headers]
    await send({"type": "http.response.start", "status": status, "headers": described})
    await send({"type": "http.response.body", "body": content})


def to_json(value: Any) -> bytes:
    """Write JSON without needless bytes; a number that is not finite, which JSON has no word for, is an error."""
    return _ENCODER.encode(value).encode("utf-8", "replace")


def from_json(body: bytes | memoryview) -> dict[str, Any]:
    """Read a JSON object.

    Raises
    ------
    RequestError
        400: it is not JSON, or not an object.
    OversizedError
        It has more values than may become objects.
    """
    check_json_size(body)
    try:
        value = json.loads(bytes(body))
    except (ValueError, RecursionError) as error:
        raise RequestError(400, f"the body is not JSON ({' '.join(str(error).split())[:80]}).") from error
    if not isinstance(value, dict):
        raise RequestError(400, f"the body is a JSON {type(value).__name__}; an object was expected.")
    return value


def to_http_error(error: Exception) -> RequestError:
    """What a client is told of an error: what it can fix, and nothing of the inside."""
    if isinstance(error, RequestError):
        return error
    if isinstance(error, TimeoutError):
        return RequestError(504, "the answer took too long and was given up. Send fewer items, or ask again later.")
    if isinstance(error, HeadstartError):
        status = 413 if isinstance(error, OversizedError) else 400 if isinstance(error, UserError) else 500
        return RequestError(status, _ADDRESS.sub("", str(error)))
    return RequestError(500, "the server failed. Its log says more under this request's id.")
