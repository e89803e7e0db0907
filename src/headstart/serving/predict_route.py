"""POST /v1/predict: items in, as people send them, and answers out, as `headstart predict` gives them."""

from __future__ import annotations

from fnmatch import fnmatch
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

from headstart.core.errors import UserError
from headstart.data.modalities import all_modalities
from headstart.data.payloads import pick, read_delimited_rows, read_json_rows
from headstart.serving.asgi import RequestError, from_json, header, to_json

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from headstart.data.modalities import Modality
    from headstart.serving.asgi import Scope
    from headstart.serving.models import Note, Served

_JSON_LINES = ("application/jsonl", "application/jsonlines", "application/x-ndjson", "application/x-jsonlines")
_TABLES = {"text/csv": ",", "text/tab-separated-values": "\t"}
_TOP = 3
_NAME_LENGTH = 200


class PredictRequest:
    """What a request asks: the items, their names for people, and how many labels it wants for each."""

    def __init__(self, items: Sequence[Any], *, names: Sequence[str] | None = None, top: Any = _TOP) -> None:
        if not items:
            raise RequestError(400, "there are no items. Send 1 or more.")
        if isinstance(top, bool) or not isinstance(top, int) or top < 1:
            raise RequestError(400, f"'top' must be a whole number from 1, not {top!r:.40}.")
        self.items = items
        self.names = names or [f"item {model_version + 1}" for model_version in range(len(items))]
        self.top = top


async def predict(served: Served, scope: Scope, body: bytes, note: Note | None = None) -> bytes:
    """Answer every item, one that cannot be read with its error.

    Raises
    ------
    RequestError
        400: the body is not readable, or not one item is; 413; 415; 429.
    """
    asked = await _read(served, scope, body)
    rows = await served.rows(asked.items, note)
    if all(isinstance(row, UserError) for row in rows):
        raise RequestError(400, str(rows[0]) if len(rows) == 1 else f"no item can be read; the first: {rows[0]}")
    answers = [
        served.bundle.answer(name, row, asked.top).to_dict() for name, row in zip(asked.names, rows, strict=True)
    ]
    return to_json({"model": served.name, "version": served.version, "predictions": answers})


async def _read(served: Served, scope: Scope, body: bytes) -> PredictRequest:
    media_type = header(scope, b"content-type").partition(";")[0].strip().lower()
    column = served.bundle.manifest["columns"].get("input")
    if media_type in ("application/json", ""):
        return _from_object(from_json(body), served, column)
    top = _top_of(scope)
    if media_type == "multipart/form-data":
        names, items = await _parts(scope, body, served.settings.max_items)
        return PredictRequest(items, names=names, top=top)
    if media_type in _JSON_LINES:
        return PredictRequest(read_json_rows(body, served.modality, column), top=top)
    if media_type in _TABLES:
        return PredictRequest(read_delimited_rows(body, _TABLES[media_type], served.modality, column), top=top)
    single = [pattern for modality in reversed(all_modalities()) for pattern in modality.media_types]
    if media_type == "application/octet-stream" or any(fnmatch(media_type, pattern) for pattern in single):
        return PredictRequest([body], top=top)
    known = ["application/json", "multipart/form-data", *_TABLES, _JSON_LINES[0], *single]
    raise RequestError(415, f"no body of type '{media_type[:60]}' can be read. Known: {', '.join(known)}.")


def _from_object(request: Mapping[str, Any], served: Served, column: str | None) -> PredictRequest:
    """`{"items": […]}`, or one item as a record; records may lie within `items` too."""
    top = request.get("top", _TOP)
    items = request.get("items")
    if items is None:
        return PredictRequest(
            [pick({k: v for k, v in request.items() if k != "top"}, served.modality, column)], top=top
        )
    if not isinstance(items, list):
        raise RequestError(400, f"'items' must be a list, not a {type(items).__name__}.")
    return PredictRequest([_value(one, served.modality, column) for one in items], top=top)


def _value(one: Any, modality: Modality, column: str | None) -> Any:
    if not isinstance(one, dict):
        return one
    try:
        return pick(one, modality, column)
    except UserError as error:
        return error


def _top_of(scope: Scope) -> Any:
    found = parse_qs(scope["query_string"].decode("latin-1")).get("top", [str(_TOP)])[-1]
    return int(found) if found.isdecimal() and len(found) < 10 else found


async def _parts(scope: Scope, body: bytes, max_items: int) -> tuple[list[str], list[Any]]:
    """Files and fields of a form, in their order."""
    from starlette.formparsers import MultiPartException
    from starlette.requests import Request

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    try:
        async with Request(scope, receive).form(
            max_files=max_items, max_fields=max_items, max_part_size=len(body)
        ) as form:
            parts = form.multi_items()
            return (
                [(name if isinstance(part, str) else part.filename or name)[:_NAME_LENGTH] for name, part in parts],
                [part if isinstance(part, str) else await part.read() for _, part in parts],
            )
    except (MultiPartException, ValueError, LookupError) as error:
        raise RequestError(400, f"the form cannot be read ({str(error)[:100]}).") from error
