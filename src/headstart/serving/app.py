"""The application: one gate in front of all routes, and behind it those that are asked often, then all others."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from headstart.data.shown_names import visible
from headstart.serving import logs, metrics, predict_route, protocol
from headstart.serving.asgi import JSON, OCTETS, Disconnected, RequestError, answer, to_http_error, to_json
from headstart.serving.body import Body, BodyMemory, no_room
from headstart.serving.connection import CONNECTION
from headstart.serving.prediction_log import PredictionLog
from headstart.serving.security import Pages, Tokens
from headstart.serving.tracing import Tracer

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from headstart.serving.asgi import Message, Receive, Scope, Send
    from headstart.serving.body import Held
    from headstart.serving.connection import Connection
    from headstart.serving.models import Catalogue, Served
    from headstart.serving.settings import ServerSettings

_PREDICT, _INFER = "predict", "infer"
_LEFT = 499  # as nginx calls it: the client left; nobody reads it but the log and the figures
_VERB_OF = {"v1": _PREDICT, "v2": _INFER}


@dataclass
class Service:
    """What all requests share. `catalogue` is replaced as a whole when models change.

    Attributes
    ----------
    reload : looks at the disk again, and opens what has changed
    started : is called when requests are accepted
    is_draining : whether connections are to be closed with their next answer
    """

    settings: ServerSettings
    catalogue: Catalogue
    reload: Callable[[], Awaitable[Catalogue]]
    started: Callable[[], None]
    tokens: Tokens = field(init=False)
    pages: Pages = field(init=False)
    memory: BodyMemory = field(init=False)
    meters: metrics.Meters = field(default_factory=metrics.Meters)
    predictions: PredictionLog | None = field(init=False)
    tracer: Tracer | None = field(init=False)
    is_draining: bool = False

    def __post_init__(self) -> None:
        settings = self.settings
        self.tokens = Tokens(settings.token_file)
        self.pages = Pages(settings.host_names, settings.cors)
        self.memory = BodyMemory(settings.max_held)
        folder = settings.prediction_log
        self.predictions = (
            None if folder is None else PredictionLog(folder, settings.log_share, items=settings.log_items)
        )
        self.tracer = Tracer() if settings.trace else None

    def close(self) -> None:
        """Write and send what has been kept back."""
        for part in (self.predictions, self.tracer):
            if part is not None:
                part.close()


@dataclass(frozen=True)
class Application:
    """ASGI application: request ids, tokens, time limit, errors, metrics and logs around each request."""

    service: Service
    others: Callable[[Scope, Receive, Send], Awaitable[None]]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return
        await _Exchange(self.service, scope, receive, send).run(self.others)


class _Exchange:
    """One request and its answer."""

    def __init__(self, service: Service, scope: Scope, receive: Receive, send: Send) -> None:
        self._service = service
        self._scope = scope
        self._receive = receive
        self._raw_send = send
        self._id = logs.request_id(scope)
        self._status = 0
        self._served: Served | None = None
        self._connection: Connection | None = scope.get("state", {}).get(CONNECTION)
        self._held: Held = service.memory.hold()
        self._started = time.perf_counter()

    async def run(self, others: Callable[[Scope, Receive, Send], Awaitable[None]]) -> None:
        tracer = self._service.tracer
        if tracer is None:
            await self._answer(others)
            return
        with tracer.span(self._scope) as span:
            await self._answer(others)
            span.set_attributes(self._facts())

    async def _answer(self, others: Callable[[Scope, Receive, Send], Awaitable[None]]) -> None:
        if self._connection is not None:
            self._connection.task = self._held.task  # ends with the connection
        try:
            async with asyncio.timeout(self._service.settings.timeout_s):
                await self._route(others)
        except Disconnected:
            self._status = _LEFT
        except asyncio.CancelledError:
            if not await self._is_settled():
                raise
        except Exception as error:  # noqa: BLE001  whatever happens is answered, without a trace of the inside
            await self._refuse(error)
        finally:
            self._held.release()
            self._record()

    async def _route(self, others: Callable[[Scope, Receive, Send], Awaitable[None]]) -> None:
        tokens = self._service.tokens
        self._service.pages.check(self._scope, needs_token=bool(tokens))
        tokens.check(self._scope)
        wanted = _wanted(self._scope["path"])
        if wanted is not None:
            await self._predict(*wanted)
        elif self._scope["method"] == "HEAD":  # as GET; the body is left out where the answer is sent
            await others({**self._scope, "method": "GET"}, self._receive, self._send)
        else:
            await others(self._scope, self._receive, self._send)

    async def _predict(self, verb: str, name: str | None, version: str | None) -> None:
        if self._scope["method"] != "POST":
            raise RequestError(405, "send items with POST.", [(b"allow", b"POST")])
        self._served = served = self._service.catalogue.get(name, version)
        served.batcher.check_room(1)
        predictions = self._service.predictions
        note = None if predictions is None else predictions.add
        body = Body(self._scope, self._receive, served.settings.max_body, self._held)
        if verb == _PREDICT:
            await answer(self._send, await predict_route.predict(served, self._scope, body, note))
            return
        content, headers = await protocol.infer(served, self._scope, body, note)
        await answer(self._send, content, headers=headers, media_type=OCTETS if headers else JSON)

    async def _is_settled(self) -> bool:
        """Settle a request that was broken off, if it is not the server that ends: the client left, or others need the memory."""
        if self._connection is not None and self._connection.is_lost:
            self._status = _LEFT
            return True
        if self._held.has_given_way:
            await self._refuse(no_room())
            return True
        return False

    async def _send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._status = message["status"]
            message["headers"] = [*message.get("headers", ()), (b"x-request-id", self._id.encode())]
            if self._service.is_draining:
                message["headers"].append((b"connection", b"close"))
        await self._raw_send(message)

    async def _refuse(self, error: Exception) -> None:
        if self._status:
            raise error  # the answer has begun: all that is left is to break it off
        refusal = to_http_error(error)
        if refusal.status == 500:
            logs.write("error", request_id=self._id, error=f"{type(error).__name__}: {error}")
        await answer(
            self._send,
            to_json({"error": visible(str(refusal))}),
            status=refusal.status,
            headers=refusal.headers,
        )

    def _record(self) -> None:
        seconds = time.perf_counter() - self._started
        served = self._served
        if served is None:
            self._service.meters.count(self._status, seconds)
        else:
            served.meters.count(self._status, seconds, served.batcher.n_inside)
        if not self._service.settings.quiet:
            logs.write(
                "request",
                request_id=self._id,
                method=self._scope["method"],
                path=self._scope["path"],
                status=self._status,
                ms=round(1000 * seconds, 3),
                model=served and served.name,
                version=served and served.version,
            )

    def _facts(self) -> dict[str, str | int]:
        """What a span says of the answer."""
        facts: dict[str, str | int] = {"http.response.status_code": self._status, "headstart.request_id": self._id}
        if self._served is not None:
            facts |= {"headstart.model": self._served.name, "headstart.version": self._served.version}
        return facts


def _wanted(path: str) -> tuple[str, str | None, str | None] | None:
    """Read the addresses that are asked often: verb, model, version.

    >>> _wanted("/v2/models/fruit/versions/3/infer"), _wanted("/v1/predict"), _wanted("/v2/models/fruit")
    (('infer', 'fruit', '3'), ('predict', None, None), None)
    """
    _, root, *parts = path.split("/", 6) if path.startswith("/") else ("", "")
    verb = _VERB_OF.get(root)
    if verb is None or not parts or parts[-1] != verb:
        return None
    match parts:
        case ["predict"]:
            return verb, None, None
        case ["models", name, _]:
            return verb, name, None
        case ["models", name, "versions", version, _]:
            return verb, name, version
    return None
