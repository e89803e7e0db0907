"""Run a server in this process: serve, look at the disk again when told to, and end without losing a request."""

from __future__ import annotations

import asyncio
import logging
import math
import resource
import signal
from functools import partial
from typing import TYPE_CHECKING, Any

import uvicorn
import uvloop
from starlette.middleware.cors import CORSMiddleware

from headstart.core.errors import HeadstartError
from headstart.serving import logs
from headstart.serving.app import Application
from headstart.serving.connection import Connection, ConnectionLimits, close_late
from headstart.serving.information import routes

if TYPE_CHECKING:
    import socket
    from types import FrameType

    from headstart.serving.app import Service
    from headstart.serving.settings import ServerSettings

_LULL_S = 1.0  # how long connections that are being drained may still send a request
_OTHERS_S = 0.3  # until no worker accepts any more: a client that is told to connect anew would find nobody
_STEP_S = 0.02
_HEAD_S = 10.0
_ACCEPTS = 16  # connections in a turn of the loop
_SWEEP_TICKS = 5  # of 0.1 s
_OTHER_FILES = 64  # descriptors that are no connections


def serve_here(service: Service, listener: socket.socket, *, ends_with: int | None = None) -> None:
    """Serve until the process is told to end (SIGTERM, SIGINT).

    Parameters
    ----------
    ends_with : a pipe to read from; serve only as long as somebody has its other end

    However long what is at work takes, the process ends `ServerSettings.stop_s` seconds after it was told to.
    """
    try:
        with logs.standard_error_in_lines():
            uvloop.run(_serve(service, listener, ends_with))
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


async def _serve(service: Service, listener: socket.socket, ends_with: int | None) -> None:
    logging.captureWarnings(capture=True)
    for library in ("uvicorn", "PIL", "py.warnings"):
        logging.getLogger(library).handlers = [logs.Lines(logging.WARNING)]
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
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,  # nothing here asks where a request came from
        timeout_graceful_shutdown=math.ceil(settings.timeout_s),
        ssl_certfile=settings.certificate,
        ssl_keyfile=settings.private_key,
    )
    server = _Server(config, service)
    if ends_with is not None:
        loop.add_reader(ends_with, partial(_end, server, ends_with))
    try:
        await server.serve(sockets=[listener])
    finally:
        await asyncio.to_thread(service.close)


def _end(server: _Server, pipe: int) -> None:
    """End, for the process that started this one has."""
    asyncio.get_running_loop().remove_reader(pipe)
    server.handle_exit(signal.SIGTERM, None)


def _limits(settings: ServerSettings) -> ConnectionLimits:
    """The limits of connections; there are never more than the process may have open files."""
    n_files = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    most = max(1, n_files - _OTHER_FILES) if n_files != resource.RLIM_INFINITY else settings.max_connections
    return ConnectionLimits(
        max_connections=min(settings.max_connections, most),
        max_unread=settings.max_body,
        head_s=min(_HEAD_S, settings.timeout_s),
    )


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
        # the default action of SIGALRM ends a process even where no line of Python can run any more
        signal.setitimer(signal.ITIMER_REAL, self._service.settings.stop_s)
        self.force_exit = self.should_exit and sig == signal.SIGINT
        self.should_exit = True

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen, and say so."""
        limits = _limits(self._service.settings)
        loop = asyncio.get_running_loop()
        made = partial(Connection, self.config, self.server_state, {}, limits=limits)
        ssl = self.config.ssl
        timeout_s = None if ssl is None else limits.head_s
        # libuv accepts one connection in a turn of the loop, and a turn may answer hundreds: then nobody new would be heard
        listeners = [one.dup() for one in sockets or () for _ in range(_ACCEPTS)]
        self.servers = [
            await loop.create_server(made, sock=one, ssl=ssl, ssl_handshake_timeout=timeout_s) for one in listeners
        ]
        self.started = True
        self._service.started()

    async def on_tick(self, counter: int) -> bool:
        """Close the connections of which the time is over, several times a second."""
        if counter % _SWEEP_TICKS == 0:
            close_late(self.server_state.connections, asyncio.get_running_loop().time())
        return await super().on_tick(counter)

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
