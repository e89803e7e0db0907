"""Connect to PostgreSQL, and say what it refuses; a password stands in no message."""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from headstart.core.errors import OptionError, ServiceError, StorageError, first_line, require
from headstart.storage.passwords import hidden, passwords_of, without_password

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

SCHEMES = ("postgresql", "postgres")
_CONNECT_S = 5
_SILENT_S = 15.0  # after which a connection that answers nothing is given up
_STEP_S = 0.1
_BUSY = ("starting up", "shutting down", "recovery mode", "too many", "connection slots")


def connect(url: str, *, purpose: str) -> Any:
    """Open a connection of psycopg's, on which each statement is a transaction unless one is begun.

    Raises
    ------
    MissingExtraError
        psycopg is not installed.
    OptionError
        The address is none, or the server refuses it: a wrong password, no such database.
    ServiceError
        No server answers.
    """
    psycopg = require("psycopg", extra="postgres", purpose=purpose)
    shown = without_password(url)
    settings: dict[str, Any] = {"tcp_user_timeout": int(_SILENT_S * 1000), "fallback_application_name": "headstart"}
    try:
        given = psycopg.conninfo.conninfo_to_dict(url)
    except psycopg.ProgrammingError:
        raise _no_address(shown) from None  # its own words may hold a part of the password
    if any(set(secret) & set("@/?#") for secret in passwords_of(url)):
        raise _no_address(shown)  # libpq would take a part of it for the host
    settings["connect_timeout"] = given.get("connect_timeout", _CONNECT_S)
    try:
        return _impatient(psycopg).connect(url, autocommit=True, **settings)
    except psycopg.Error as error:
        raise _not_connected(shown, hidden(first_line(error), url)) from None


def _impatient(psycopg: Any) -> Any:
    """Connections that give a server up which says nothing: a host that is gone answers no packet, one that hangs answers those alone."""

    class Impatient(psycopg.Connection):  # type: ignore[misc]  # psycopg is imported late
        def wait(self, gen: Any, interval: float = _STEP_S) -> Any:
            silence = psycopg.OperationalError(f"it said nothing for {_SILENT_S:g} s")
            try:
                return super().wait(_until_silent(gen, silence), interval)
            except psycopg.OperationalError as error:
                if error is silence:
                    self.close()
                raise

    return Impatient


def _until_silent(steps: Generator[Any, Any, Any], silence: Exception) -> Generator[Any, Any, Any]:
    """Pass the steps of an exchange on, and raise where nothing came for long."""
    heard = time.monotonic()
    try:
        wanted = next(steps)
        while True:
            ready = yield wanted
            if ready:
                heard = time.monotonic()
            elif time.monotonic() > heard + _SILENT_S:
                raise silence
            wanted = steps.send(ready)
    except StopIteration as end:
        return end.value


def _no_address(shown: str) -> OptionError:
    return OptionError(
        f"{shown} is no address of PostgreSQL. Write postgresql://USER:PASSWORD@HOST:PORT/DATABASE, with each '@', '/', '?', '#' or '%' "
        "of the password as %40, %2F, %3F, %23, %25."
    )


def _not_connected(shown: str, why: str) -> OptionError | ServiceError:
    if "invalid integer value" in why or "invalid port number" in why:
        return _no_address(shown)
    if "FATAL" in why and not any(one in why for one in _BUSY):
        return OptionError(f"{shown} refuses the connection ({why}). Look at the user, the password and the database.")
    if "could not translate" in why or "failed to resolve" in why:
        return ServiceError(f"{shown} does not answer ({why}). Look at the name of its host.")
    return ServiceError(f"{shown} does not answer ({why}). Look whether PostgreSQL runs there, and try again.")


@contextmanager
def statement_errors(shown: str, what: str) -> Iterator[None]:
    """Turn refusals of a statement into errors that name the database.

    Parameters
    ----------
    what : is kept there, for messages: 'the registry'
    """
    psycopg = require("psycopg", extra="postgres", purpose=what)
    errors = psycopg.errors
    try:
        yield
    except (errors.DiskFull, errors.ReadOnlySqlTransaction) as error:
        raise StorageError(f"{shown} cannot write {what} ({first_line(error)}).") from error
    except errors.InsufficientPrivilege as error:
        raise OptionError(
            f"{shown} does not let this user at {what} ({first_line(error)}). Ask who runs it for the rights, or name another user."
        ) from error
    except psycopg.OperationalError as error:
        raise ServiceError(
            f"{shown} has gone away from {what} ({first_line(error)}). Look whether PostgreSQL runs there, and try again."
        ) from error
    except psycopg.Error as error:
        raise StorageError(f"{shown} does not read or write {what} ({first_line(error)}).") from error
