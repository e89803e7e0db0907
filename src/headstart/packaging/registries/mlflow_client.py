"""MLflow's REST interface, as a registry needs it: calls, and files that its server keeps."""

from __future__ import annotations

import base64
import json
import os
import urllib.error
import urllib.parse
import urllib.request
from contextlib import contextmanager
from http.client import HTTPException
from typing import TYPE_CHECKING, Any

from headstart.core.errors import OptionError, ServiceError, StorageError, first_line
from headstart.storage.passwords import hidden, without_password

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from http.client import HTTPResponse

_TIMEOUT_S = 10.0
_FILE_TIMEOUT_S = 60.0  # of one silence while a file is sent or comes
_MAX_ANSWER = 16 << 20
_PART_BYTES = 1 << 20
_API, _FILES = "/api/2.0/mlflow/", "/api/2.0/mlflow-artifacts/artifacts/"
_REFUSED = (401, 403)
_ABSENT = 404
_OTHERS_FAULT = 500


class MlflowClient:
    """A server of MLflow's.

    Parameters
    ----------
    url : of it; a user and a password in it, or those of `MLFLOW_TRACKING_USERNAME` and `MLFLOW_TRACKING_PASSWORD`, or `MLFLOW_TRACKING_TOKEN`, are
        sent along

    Raises
    ------
    ServiceError
        Later: it does not answer, or fails.
    OptionError
        Later: it refuses, or is no server of MLflow's.
    """

    def __init__(self, url: str) -> None:
        parts = urllib.parse.urlsplit(url)
        user, at, host = parts.netloc.rpartition("@")
        self._url = urllib.parse.urlunsplit(parts._replace(netloc=host)).rstrip("/")
        self._shown = without_password(url)
        self._given = url
        self._headers = {"User-Agent": "headstart", **_authorization(urllib.parse.unquote(user) if at else "")}
        self._opener = urllib.request.build_opener(_NoRedirect)

    def call(self, method: str, route: str, said: Mapping[str, Any], *, absent: tuple[str, ...] = ()) -> Any:
        """Call a route of MLflow's.

        Parameters
        ----------
        said : query of a GET, else the body
        absent : codes of errors that stand for nothing being there: then None is given
        """
        address, body = f"{self._url}{_API}{route}", None
        if method == "GET":
            address += f"?{urllib.parse.urlencode(said)}"
        else:
            body = json.dumps(said).encode()
        try:
            with self._opened(method, address, body, _TIMEOUT_S) as answer:
                return json.loads(_bounded(answer))
        except _RefusalError as refused:
            if refused.code in absent:
                return None
            raise refused.as_user_error() from None
        except ValueError as error:
            raise OptionError(f"{self._shown} does not answer as MLflow does ({first_line(error)}).") from error

    def put(self, path: str, content: bytes) -> None:
        """Put a file where the server keeps artifacts."""
        try:
            with self._opened("PUT", self._file(path), content, _FILE_TIMEOUT_S):
                pass
        except _RefusalError as refused:
            raise refused.as_user_error() from None

    def parts(self, path: str) -> Iterator[bytes]:
        """A file, part by part; nothing if it is not there."""
        try:
            with self._opened("GET", self._file(path), None, _FILE_TIMEOUT_S) as answer:
                while part := answer.read(_PART_BYTES):
                    yield part
        except _RefusalError as refused:
            if refused.status != _ABSENT:
                raise refused.as_user_error() from None

    def remove(self, path: str) -> None:
        """Remove a file, if it is there and the server does that."""
        try:
            with self._opened("DELETE", self._file(path), None, _TIMEOUT_S):
                pass
        except _RefusalError:
            return

    def _file(self, path: str) -> str:
        return f"{self._url}{_FILES}{urllib.parse.quote(path)}"

    @contextmanager
    def _opened(self, method: str, address: str, body: bytes | None, timeout_s: float) -> Iterator[HTTPResponse]:
        headers = {**self._headers, "Content-Type": "application/json"}
        request = urllib.request.Request(address, body, headers, method=method)  # noqa: S310  http or https, by its parse
        try:
            with self._opener.open(request, timeout=timeout_s) as answer:
                yield answer
        except urllib.error.HTTPError as error:
            with error:
                raise _RefusalError(self._shown, error.code, _bounded(error)) from None
        except (OSError, HTTPException) as error:
            why = hidden(first_line(getattr(error, "reason", None) or error), self._given)
            raise ServiceError(
                f"{self._shown} does not answer ({why}). Look whether MLflow's server runs there, and try again."
            ) from error


class _RefusalError(Exception):
    """The server answered with an error."""

    def __init__(self, shown: str, status: int, body: bytes) -> None:
        super().__init__(shown)
        self.shown, self.status, self.code, self.said = shown, status, "", ""
        try:
            found = json.loads(body)
            self.code, self.said = str(found["error_code"]), first_line(ValueError(found["message"]))
        except (ValueError, KeyError, TypeError):
            self.said = body[:100].decode("utf-8", "replace").strip()

    def as_user_error(self) -> OptionError | ServiceError | StorageError:
        """What people are told."""
        why = f"HTTP {self.status}{': ' if self.said else ''}{self.said}"
        if self.status in _REFUSED:
            return OptionError(
                f"{self.shown} refuses ({why}). Look at the user and the password, in the address or in MLFLOW_TRACKING_USERNAME and "
                "MLFLOW_TRACKING_PASSWORD, and at the hosts that the server allows."
            )
        if self.status >= _OTHERS_FAULT:
            return ServiceError(f"{self.shown} fails ({why}). Look at the log of MLflow's server, and try again.")
        if not self.code:
            return OptionError(f"{self.shown} does not answer as MLflow does ({why}). Look at the address.")
        return StorageError(f"{self.shown} does not do what was asked ({why}).")


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A password must not follow a redirect to another host."""

    def redirect_request(self, *_: Any) -> None:
        """Do not follow."""


def _bounded(answer: Any) -> bytes:
    content: bytes = answer.read(_MAX_ANSWER + 1)
    if len(content) > _MAX_ANSWER:
        raise ValueError("an answer is too large")
    return content


def _authorization(given: str) -> dict[str, str]:
    user, password = os.environ.get("MLFLOW_TRACKING_USERNAME"), os.environ.get("MLFLOW_TRACKING_PASSWORD")
    token = os.environ.get("MLFLOW_TRACKING_TOKEN")
    given = given or (f"{user}:{password or ''}" if user else "")
    if given:
        return {"Authorization": f"Basic {base64.b64encode(given.encode()).decode()}"}
    return {"Authorization": f"Bearer {token}"} if token else {}
