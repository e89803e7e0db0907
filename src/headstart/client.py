"""Ask a model that `headstart serve` serves as one asks a bundle: `predict`, `predictions`."""
# ruff: noqa: E402  the library may be imported only once it is known to be there

from __future__ import annotations

import base64
import json
import os
import random
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from headstart.core.errors import DataError, OptionError, ServiceError, require
from headstart.core.label_rule import LabelRule
from headstart.core.prediction import item_name
from headstart.data.given import is_table, listed_items, null_item
from headstart.data.labels import typed_labels
from headstart.data.readers.tables import open_memory
from headstart.data.unreadable_items import UnreadableItems
from headstart.data.values import is_null
from headstart.packaging import Prediction

require("httpx2", extra="client", purpose="headstart.client")
import httpx2

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Self

__all__ = ["Client", "ServedModel"]

Value = str | bytes | Path
"""A text; or an encoded image, as the bytes of its file or as its path on this side."""
Item = Value | Mapping[str, Value]
"""A value, or a value a field."""

_BATCH_ITEMS, _BATCH_BYTES = 64, 8 << 20  # of one request: a quarter of what a server takes if it is not told otherwise
_BUSY = (429, 503)
_FIRST_WAIT_S = 0.5
_ERRORS = {400: DataError, 401: OptionError, 403: OptionError, 404: OptionError, 413: DataError, 415: DataError}


@dataclass(frozen=True)
class ServedModel:
    """One version of a model that a server has."""

    name: str
    version: str


class Client:
    """A server of models; connections are kept open, and several threads may share a client.

    Parameters
    ----------
    url : of the server
    token : bearer token; `HEADSTART_TOKEN`, if not given
    model : name of the model to ask; the only one, if not given
    timeout_s : for each answer, and the longest wait before a busy server is asked again
    retries : how often a busy server (429, 503) is asked again, each time after as long as its `Retry-After` says

    Raises
    ------
    OptionError
        `url` is not an HTTP address; later, if the server does not know the token or the model.
    DataError
        The server cannot read what was sent.
    ServiceError
        The server cannot be reached, takes too long, stays busy, or fails.

    Examples
    --------
    >>> client = Client("http://127.0.0.1:8000", model="tickets")
    >>> client.predict(["They charged my card twice."])  # doctest: +SKIP
    ['Credit card or prepaid card']
    >>> client.close()
    """

    def __init__(
        self, url: str, *, token: str | None = None, model: str | None = None, timeout_s: float = 30.0, retries: int = 4
    ) -> None:
        token = os.environ.get("HEADSTART_TOKEN") if token is None else token
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        try:
            self._connections = httpx2.Client(base_url=url, headers=headers, timeout=timeout_s)
        except httpx2.InvalidURL as error:
            raise _no_address(url) from error
        if self._connections.base_url.scheme not in {"http", "https"} or not self._connections.base_url.host:
            raise _no_address(url)
        self._path = "/v1/predict" if model is None else f"/v1/models/{quote(model, safe='')}/predict"
        self._url, self._timeout_s, self._retries = url, timeout_s, retries

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._connections.close()

    def ready(self) -> bool:
        """Tell whether the server may be asked now; False too where nobody answers."""
        try:
            return self._connections.get("/v2/health/ready").is_success
        except httpx2.TransportError:
            return False

    def models(self) -> tuple[ServedModel, ...]:
        """List the models and versions that are served."""
        return tuple(ServedModel(one["name"], one["version"]) for one in self._ask("/v2/repository/index"))

    def predict(self, items: Any) -> list[Any]:
        """Predict a label for each item, of the type that `Bundle.predict` gives; several where the task is multi-label; values in a regression.

        Parameters
        ----------
        items : a list of values, or of dicts with a value a field; a frame, or a dict of columns, with a column a field, whose other columns
            the server leaves aside. Files within dicts and frames are given as bytes or `Path`: strings are sent as they are

        Raises
        ------
        DataError
            An item is missing, blank or cannot be read; `predictions` reports it and answers the others.
        """
        answers, rule = self._answers(items, top=1)
        wrong = next((answer for answer in answers if answer.error), None)
        if wrong is not None:
            raise DataError(f"'{wrong.item}': {wrong.error}")
        decided = [_decision(answer) for answer in answers]
        return decided if any(answer.value is not None for answer in answers) else typed_labels(decided, rule)

    def predictions(self, items: Any, *, top: int = 3) -> list[Prediction]:
        """Answer for every item, with the `top` likeliest labels; an item that cannot be read carries its error.

        Raises
        ------
        DataError
            A path cannot be read here, or not one item of a request can be read there.
        """
        return self._answers(items, top=top)[0]

    def _answers(self, items: Any, *, top: int) -> tuple[list[Prediction], LabelRule]:
        """The answers in the order of the items, and of which type the server says that labels are."""
        table = is_table(items)
        items = _records(items) if table else listed_items(items)
        found = {
            place: Prediction(item=item_name(item, place), error=str(null_item(item)))
            for place, item in enumerate(items)
            if is_null(item)
        }
        sent = [place for place in range(len(items)) if place not in found]
        rows: list[dict[str, Any]] = []
        rule = LabelRule()
        for batch in _batches([items[place] for place in sent]):
            answer = self._ask(self._path, **_body(batch, top, is_table=table))
            rows += answer["predictions"]
            rule = LabelRule(type=answer.get("label_type", "str"))
        for place, row in zip(sent, rows, strict=True):
            found[place] = Prediction.from_dict({**row, "item": item_name(items[place], place)})
        return [found[place] for place in range(len(items))], rule

    def _ask(self, path: str, **body: Any) -> Any:
        response = self._post(path, body)
        for attempt in range(self._retries):
            wait_s = _wait_s(response, attempt)
            if response.status_code not in _BUSY or wait_s > self._timeout_s:
                break
            time.sleep(wait_s)
            response = self._post(path, body)
        if not response.is_success:
            raise _ERRORS.get(response.status_code, ServiceError)(self._reason(response))
        return self._content(response)

    def _post(self, path: str, body: dict[str, Any]) -> httpx2.Response:
        try:
            return self._connections.post(path, **body)
        except httpx2.TimeoutException as error:
            raise ServiceError(
                f"{self._url} gave no answer within {self._timeout_s:g} s. Ask again later, or raise timeout_s."
            ) from error
        except httpx2.TransportError as error:
            raise ServiceError(f"{self._url} cannot be reached ({error}). Start 'headstart serve' there.") from error

    def _content(self, response: httpx2.Response) -> Any:
        try:
            return response.json()
        except ValueError as error:
            raise ServiceError(f"{self._url} is no server of Headstart's: it does not answer in JSON.") from error

    def _reason(self, response: httpx2.Response) -> str:
        """What the server says; a proxy between says nothing that can be read."""
        said = f"{self._url} answers {response.status_code}"
        try:
            return f"{said}: {response.json()['error']}"
        except (ValueError, KeyError, TypeError):
            return f"{said} and not why. Ask whoever runs it."


def _no_address(url: str) -> OptionError:
    return OptionError(f"'{url}' is not the address of a server. Give one such as http://127.0.0.1:8000.")


_Content = str | bytes | dict[str, Any]


def _records(data: Any) -> list[dict[str, Any]]:
    """The rows of a frame or of a dict of columns."""
    if not len(data):
        return []
    table = open_memory(data)
    columns = table.read(table.names, UnreadableItems(max_unreadable=0.0)).columns
    return [dict(zip(columns, cells, strict=True)) for cells in zip(*columns.values(), strict=True)]


def _batches(items: Sequence[Item]) -> Iterator[list[_Content]]:
    """Contents in lists that one request may hold."""
    batch: list[_Content] = []
    n_bytes = 0
    for number, item in enumerate(items, 1):
        content = _fields(item) if isinstance(item, Mapping) else _read(item, f"item {number}")
        length = sum(len(str(value)) for value in content.values()) if isinstance(content, dict) else len(content)
        if batch and (len(batch) == _BATCH_ITEMS or n_bytes + length > _BATCH_BYTES):
            yield batch
            batch, n_bytes = [], 0
        batch.append(content)
        n_bytes += length
    if batch:
        yield batch


def _fields(item: Mapping[str, Any]) -> dict[str, Any]:
    """The fields as JSON takes them: files in base64, missing cells as null, and dates, say, as strings."""
    sent: dict[str, Any] = {}
    for name, value in item.items():
        content = _read(value, str(name)) if isinstance(value, bytes | Path) else value
        content = base64.b64encode(content).decode() if isinstance(content, bytes) else content
        if not is_null(content) and not isinstance(content, str | int | float):
            content = str(content)
        sent[str(name)] = None if is_null(content) else content
    return sent


def _read(item: Any, name: str) -> str | bytes:
    if isinstance(item, str | bytes):
        return item
    if not isinstance(item, Path):
        raise DataError(f"{name} must be a string, or a file as bytes or Path, not a {type(item).__name__}.")
    try:
        return item.read_bytes()
    except OSError as error:
        raise DataError(f"cannot read {item}: {error.strerror}. Correct the path or its permissions.") from error


def _body(batch: list[_Content], top: int, *, is_table: bool) -> dict[str, Any]:
    """Texts and rows go as JSON, records of a frame as its lines, files as the parts of a form, which need no base64."""
    if is_table:
        lines = "".join(json.dumps(record) + "\n" for record in batch)
        return {"content": lines.encode(), "headers": {"content-type": "application/jsonl"}, "params": {"top": top}}
    if all(isinstance(content, str | dict) for content in batch):
        return {"json": {"items": batch, "top": top}}
    return {"files": [("items", ("item", content)) for content in batch], "params": {"top": top}}


def _wait_s(response: httpx2.Response, attempt: int) -> float:
    """As long as the server says, or twice as long each time; a little more, so that not all come back at once."""
    said = response.headers.get("retry-after", "")
    seconds = float(said) if said.isdecimal() else _FIRST_WAIT_S * 2**attempt
    return seconds * random.uniform(1.0, 1.25)  # noqa: S311  no secret


def _decision(answer: Prediction) -> Any:
    if answer.value is not None:
        return answer.value
    return answer.label if answer.labels is None else answer.labels
