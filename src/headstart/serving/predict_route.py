"""POST /v1/predict: items in, as people send them, and answers out, as `headstart predict` gives them."""

from __future__ import annotations

from fnmatch import fnmatch
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import parse_qs

from headstart.core.errors import UserError
from headstart.data.modalities import all_modalities
from headstart.data.payloads import read_delimited_rows, read_json_rows, read_value
from headstart.serving.asgi import RequestError, from_json, header, to_json

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from headstart.serving.asgi import Scope
    from headstart.serving.models import Note, Served

_JSON_LINES = ("application/jsonl", "application/jsonlines", "application/x-ndjson", "application/x-jsonlines")
_TABLES = {"text/csv": None, "text/tab-separated-values": "\t"}
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
        self.names = names or [f"item {position + 1}" for position in range(len(items))]
        self.top = top


class _FormPart(NamedTuple):
    """A part of a form: its name, what people call it, and what it holds."""

    name: str
    filename: str
    content: str | bytes


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
    answer = {"model": served.name, "version": served.version, "predictions": answers}
    label_type = served.bundle.label_rule.type
    return to_json(answer if label_type == "str" else {**answer, "label_type": label_type})


async def _read(served: Served, scope: Scope, body: bytes) -> PredictRequest:
    media_type = header(scope, b"content-type").partition(";")[0].strip().lower()
    column = served.bundle.manifest["columns"].get("input")
    if media_type in ("application/json", ""):
        return _from_object(from_json(body), served, column)
    top = _top_of(scope)
    if media_type == "multipart/form-data":
        most = served.settings.max_items * len(served.bundle.fields)
        return _from_parts(await _parts(scope, body, most), served, top)
    if media_type in _JSON_LINES:
        return PredictRequest(read_json_rows(body, served.modality, column), top=top)
    if media_type in _TABLES:
        return PredictRequest(read_delimited_rows(body, _TABLES[media_type], served.modality, column), top=top)
    single = [pattern for modality in reversed(all_modalities()) for pattern in modality.media_types]
    if len(served.bundle.fields) > 1:
        single = []  # a body is one value, and no row
    elif media_type == "application/octet-stream" or any(fnmatch(media_type, pattern) for pattern in single):
        return PredictRequest([body], top=top)
    known = ["application/json", "multipart/form-data", *_TABLES, _JSON_LINES[0], *single]
    raise RequestError(415, f"no body of type '{media_type[:60]}' can be read. Known: {', '.join(known)}.")


def _from_object(request: Mapping[str, Any], served: Served, column: str | None) -> PredictRequest:
    """`{"items": […]}`, or one item as a record; records may lie within `items` too."""
    top = request.get("top", _TOP)
    items = request.get("items")
    if items is None:
        return PredictRequest(
            [read_value({k: v for k, v in request.items() if k != "top"}, served.modality, column)], top=top
        )
    if not isinstance(items, list):
        raise RequestError(400, f"'items' must be a list, not a {type(items).__name__}.")
    return PredictRequest([read_value(one, served.modality, column) for one in items], top=top)


def _top_of(scope: Scope) -> Any:
    found = parse_qs(scope["query_string"].decode("latin-1")).get("top", [str(_TOP)])[-1]
    return int(found) if found.isdecimal() and len(found) < 10 else found


def _from_parts(parts: Sequence[_FormPart], served: Served, top: Any) -> PredictRequest:
    """Each part is an item; of rows a field, and the n-th parts of all fields are the n-th row."""
    fields = [field.name for field in served.bundle.fields]
    if len(fields) == 1:
        return PredictRequest([part.content for part in parts], names=[part.filename for part in parts], top=top)
    columns = {name: [part.content for part in parts if part.name == name] for name in fields}
    unknown = next((part.name for part in parts if part.name not in columns), None)
    if unknown is not None:
        raise RequestError(400, f"there is no field '{unknown[:60]}'. Send the parts {', '.join(fields)}.")
    n_parts = {name: len(column) for name, column in columns.items()}
    if len(set(n_parts.values())) > 1:
        came = ", ".join(f"'{name}' {n}" for name, n in n_parts.items())
        raise RequestError(400, f"the form has not as many parts of one field as of another: {came}.")
    rows = zip(*columns.values(), strict=True)
    return PredictRequest([dict(zip(fields, row, strict=True)) for row in rows], top=top)


async def _parts(scope: Scope, body: bytes, max_parts: int) -> list[_FormPart]:
    """Files and fields of a form, in their order."""
    from starlette.formparsers import MultiPartException
    from starlette.requests import Request

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    try:
        async with Request(scope, receive).form(
            max_files=max_parts, max_fields=max_parts, max_part_size=len(body)
        ) as form:
            return [
                _FormPart(name, name[:_NAME_LENGTH], part)
                if isinstance(part, str)
                else _FormPart(name, (part.filename or name)[:_NAME_LENGTH], await part.read())
                for name, part in form.multi_items()
            ]
    except (MultiPartException, ValueError, LookupError) as error:
        raise RequestError(400, f"the form cannot be read ({str(error)[:100]}).") from error
