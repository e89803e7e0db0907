"""POST /v1/predict: items in, as people send them, and answers out, as `headstart predict` gives them."""

from __future__ import annotations

from fnmatch import fnmatch
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

from headstart.core.errors import UserError
from headstart.data.payloads import read_delimited_rows, read_json_rows, read_value
from headstart.serving.asgi import RequestError, from_json, header, small_number, to_json
from headstart.serving.form import read_form
from headstart.serving.reading import off_loop

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from headstart.serving.asgi import Scope
    from headstart.serving.batching import Rows
    from headstart.serving.body import Body
    from headstart.serving.form import FormPart
    from headstart.serving.models import Note, Served

_JSON_LINES = ("application/jsonl", "application/jsonlines", "application/x-ndjson", "application/x-jsonlines")
_TABLES = {"text/csv": None, "text/tab-separated-values": "\t"}
_TOP = 3
_LABEL_BYTES = 100  # about what a label and its probability cost in an answer
_MAX_LABELS = 100_000
_TABLE_COST = 64


class PredictRequest:
    """What a request asks: the items, their names for people, and how many labels it wants for each.

    `items` are first as they were sent, and then as the model reads them; `notices` are what the answer says of the body as a whole.
    """

    def __init__(
        self,
        items: Sequence[Any],
        *,
        names: Sequence[str] | None = None,
        top: Any = _TOP,
        notices: Sequence[str] = (),
    ) -> None:
        if not items:
            raise RequestError(400, "there are no items. Send 1 or more.")
        if isinstance(top, bool) or not isinstance(top, int) or top < 1:
            raise RequestError(400, f"'top' must be a whole number from 1, not {top!r:.40}.")
        self.items = items
        self.names = names or [f"item {position + 1}" for position in range(len(items))]
        self.top = top
        self.notices = notices


async def predict(served: Served, scope: Scope, body: Body, note: Note | None = None) -> bytes:
    """Answer every item, one that cannot be read with its error.

    Raises
    ------
    RequestError
        400: the body is not readable, or not one item is; 413; 415; 429.
    """
    asked = await _asked(served, scope, await body.read())
    body.became(asked.items)
    rows = await served.rows(asked.items, note)
    if all(isinstance(row, UserError) for row in rows):
        raise RequestError(400, str(rows[0]) if len(rows) == 1 else f"no item can be read; the first: {rows[0]}")
    n_labels = len(rows) * min(asked.top, len(served.bundle.labels) or 1)
    return await off_loop(partial(_answer, served, asked, rows), n_labels * _LABEL_BYTES)


async def _asked(served: Served, scope: Scope, body: bytes) -> PredictRequest:
    """Read the items; the body, which may be large, is gone when they are there."""
    media_type = header(scope, b"content-type").partition(";")[0].strip().lower()

    def read() -> PredictRequest:
        asked = _read(served, scope, body, media_type)
        asked.items = served.receive(asked.items)
        n_labels = len(asked.items) * min(asked.top, len(served.bundle.labels) or 1)
        if n_labels > _MAX_LABELS:
            raise RequestError(
                413, f"the answer would have {n_labels:,} labels; at most {_MAX_LABELS:,} may. Ask for a smaller 'top'."
            )
        return asked

    is_table = media_type in _TABLES  # a row of it, however short, costs as much as the table has columns
    return await off_loop(read, len(body) * (_TABLE_COST if is_table else 1))


def _answer(served: Served, asked: PredictRequest, rows: Rows) -> bytes:
    answers = [
        served.bundle.answer(name, row, asked.top).to_dict() for name, row in zip(asked.names, rows, strict=True)
    ]
    answer: dict[str, Any] = {"model": served.name, "version": served.version, "predictions": answers}
    if asked.notices:
        answer["notices"] = list(asked.notices)
    label_type = served.bundle.label_rule.type
    return to_json(answer if label_type == "str" else {**answer, "label_type": label_type})


def _read(served: Served, scope: Scope, body: bytes, media_type: str) -> PredictRequest:
    column = served.bundle.input_column
    if media_type in ("application/json", ""):
        return _from_object(from_json(body), served, column)
    top, max_items = _top_of(scope), served.settings.max_items
    if media_type == "multipart/form-data":
        return _from_parts(
            read_form(body, header(scope, b"content-type"), max_items * len(served.bundle.fields)), served, top
        )
    if media_type in _JSON_LINES:
        return PredictRequest(read_json_rows(body, served.modality, column, max_items), top=top)
    if media_type in _TABLES:
        notices: list[str] = []
        rows = read_delimited_rows(body, _TABLES[media_type], served.modality, column, max_items, tell=notices.append)
        return PredictRequest(rows, top=top, notices=notices)
    single = _single_types(served)
    if any(fnmatch(media_type, pattern) for pattern in single):
        return PredictRequest([body], top=top)
    known = ["application/json", "multipart/form-data", *_TABLES, _JSON_LINES[0], *single]
    raise RequestError(415, f"no body of type '{media_type[:60]}' can be read. Known: {', '.join(known)}.")


def _single_types(served: Served) -> list[str]:
    """Content types of a body that is one item; a row is none, and an image no text."""
    return [] if len(served.bundle.fields) > 1 else [*served.modality.media_types, "application/octet-stream"]


def _from_object(request: Mapping[str, Any], served: Served, column: str) -> PredictRequest:
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
    query = scope["query_string"].decode("latin-1")
    found = parse_qs(query).get("top", [str(_TOP)])[-1] if query else str(_TOP)
    number = small_number(found)
    return found if number is None else number


def _from_parts(parts: Sequence[FormPart], served: Served, top: Any) -> PredictRequest:
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
