"""Run a server in this process: serve, look at the disk again when told to, and end without losing a request."""

from __future__ import annotations

import asyncio
import logging
import math
import signal
from typing import TYPE_CHECKING, Any

import uvicorn
import uvloop
from starlette.middleware.cors import CORSMiddleware

from headstart.core.errors import HeadstartError
from headstart.serving import logs
from headstart.serving.app import Application
from headstart.serving.information import routes

if TYPE_CHECKING:
    import socket
    from types import FrameType

    from headstart.serving.app import Service

_LULL_S = 1.0  # how long connections that are being drained may still send a request
_OTHERS_S = 0.3  # until no worker accepts any more: a client that is told to connect anew would find nobody
_STEP_S = 0.02


def serve_here(service: Service, listener: socket.socket) -> None:
    """Serve until the process is told to end (SIGTERM, SIGINT)."""
    uvloop.run(_serve(service, listener))


async def _serve(service: Service, listener: socket.socket) -> None:
    logging.getLogger("uvicorn").handlers = [logs.Lines(logging.WARNING)]
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGHUP, lambda: loop.create_task(_reload(service)))
    settings = service.settings
    application: Any = Application(service, routes(service))
    if settings.cors:
        application = CORSMiddleware(
            application, allow_origins=settings.cors, allow_methods=["*"], allow_headers=["*"], max_age=600
        )
    config = uvicorn.Config(
        application,
        http="httptools",
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=math.ceil(settings.timeout_s),
        ssl_certfile=settings.certificate,
        ssl_keyfile=settings.private_key,
    )
    try:
        await _Server(config, service).serve(sockets=[listener])
    finally:
        await asyncio.to_thread(service.close)


async def _reload(service: Service) -> None:
    """Reload for a signal, to which nobody can be told an error but the log."""
    try:
        await service.reload()
    except HeadstartError as error:
        logs.write("reload", error=str(error))


class _Server(uvicorn.Server):
    """uvicorn, but connections are let run out before they are closed."""

    def __init__(self, config: uvicorn.Config, service: Service) -> None:
        super().__init__(config)
        self._service = service

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:  # noqa: ARG002
        """End in good order; a second Ctrl-C at once."""
        self.force_exit = self.should_exit and sig == signal.SIGINT
        self.should_exit = True

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen, and say so."""
        await super().startup(sockets)
        self._service.started()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Take no new connections, answer those there are with "close", then stop."""
        for one in (*self.servers, *(sockets or ())):
            one.close()
        if self._service.settings.workers > 1:
            await asyncio.sleep(_OTHERS_S)
        self._service.is_draining = True
        end = asyncio.get_running_loop().time() + _LULL_S
        while self.server_state.connections and asyncio.get_running_loop().time() < end:
            await asyncio.sleep(_STEP_S)
        await super().shutdown(sockets)
