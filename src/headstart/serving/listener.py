"""The address of a server, taken before anything is opened."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

from headstart.core.errors import OptionError

if TYPE_CHECKING:
    from headstart.serving.settings import ServerSettings

_BACKLOG = 2_048


def listen(settings: ServerSettings) -> socket.socket:
    """Take the address; connections wait in it until somebody accepts them.

    Raises
    ------
    OptionError
        It is taken, or not one of this machine's.
    """
    try:
        family = socket.getaddrinfo(settings.host, settings.port, type=socket.SOCK_STREAM)[0][0]
        listener = socket.socket(family, socket.SOCK_STREAM)
    except (OSError, OverflowError) as error:
        raise _refused(settings, error) from error
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((settings.host, settings.port))
        listener.listen(_BACKLOG)
    except (OSError, OverflowError) as error:
        listener.close()
        raise _refused(settings, error) from error
    return listener


def _refused(settings: ServerSettings, error: Exception) -> OptionError:
    reason = getattr(error, "strerror", None) or error
    return OptionError(f"cannot listen on {settings.host}:{settings.port} ({reason}). Choose another --host or --port.")
