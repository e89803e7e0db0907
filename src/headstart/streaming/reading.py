"""A record's content becomes an item, by the rules of HTTP: JSON, a field of it, or the bytes as they are."""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import dataclass, replace
from math import isfinite
from typing import TYPE_CHECKING, Any

from headstart.core.errors import DataError, UserError, first_line
from headstart.data.given import receive_item
from headstart.data.payloads import check_json_size, pick
from headstart.streaming.cloud_events import (
    STRUCTURED,
    CloudEvent,
    is_event,
    is_json_type,
    read_binary,
    read_structured,
    readable,
)
from headstart.streaming.record import Record

if TYPE_CHECKING:
    from headstart.data.modalities import Modality
    from headstart.streaming.record import Delivery

_LONG_JSON = 64 << 10  # below it there are too few values to be worth counting


@dataclass(frozen=True, kw_only=True)
class ReadRecord:
    """What was read of one delivery.

    Attributes
    ----------
    record : with the key that its output carries
    item : as the model reads it, or why there is none
    raw : what came, for the dead letter
    """

    record: Record
    item: Any
    raw: bytes


class RecordReader:
    """Reads deliveries.

    Parameters
    ----------
    modality : of the items
    column : that the model learnt from
    key : the field that is the key; None: the event's source and id, or the position
    max_pixels : of one photo
    """

    def __init__(self, modality: Modality, column: str, *, key: str | None = None, max_pixels: int) -> None:
        self._modality = modality
        self._column = column
        self._key = key
        self._max_pixels = max_pixels

    def read(self, delivery: Delivery) -> ReadRecord:
        """Read one; what is wrong with it stands in the place of the item."""
        record = delivery.record
        if record is None or delivery.error:
            error = DataError(delivery.error or "it is no record.")
            record = record or Record(key=identity(delivery), content=delivery.raw)
            return ReadRecord(record=record, item=error, raw=delivery.raw)
        item: Any
        try:
            record, value = self._opened(record)
            record = self._with_key(record, value)
            item = self._item(value)
        except UserError as error:
            item = error.with_traceback(None)
        return ReadRecord(record=record, item=item, raw=delivery.raw or raw_of(record.content))

    def _opened(self, record: Record) -> tuple[Record, Any]:
        """The record with what its event says of it, and the value in it."""
        content_type = next((text for name, text in record.attributes.items() if name.lower() == "content-type"), "")
        is_structured = content_type.partition(";")[0].strip().lower() == STRUCTURED
        event = None if is_structured else read_binary(record.attributes, record.content)
        implied = ""
        if event is None:
            value = value_of(record.content, content_type)
            if not (is_structured or is_event(value)):
                return record, value
            if not isinstance(value, dict):
                raise DataError("the event is no JSON object. Send one, or attributes as headers.")
            event, implied = read_structured(value), "application/json"
        time = event.time if event.time is not None else record.time
        return replace(record, key=event.key, time=time), _data_of(event, event.content_type or implied)

    def _with_key(self, record: Record, value: Any) -> Record:
        if self._key is None:
            return record
        found = value.get(self._key) if isinstance(value, dict) else None
        if found is None or isinstance(found, dict | list) or _is_blank(found):
            raise DataError(f"the record has no key: no value in a field '{self._key}'. Send one, or leave --key out.")
        return replace(record, key=readable(str(found), f"the key in the field '{self._key}'"))

    def _item(self, value: Any) -> Any:
        picked = pick(value, self._modality, self._column) if isinstance(value, dict) else value
        item = receive_item(picked, self._modality)
        self._modality.check_size(item, max_pixels=self._max_pixels)
        return item


def _is_blank(key: Any) -> bool:
    """Whether a key names nothing, so that all records that have it would be taken for one."""
    return not key.strip() if isinstance(key, str) else isinstance(key, float) and not isfinite(key)


def value_of(content: Any, content_type: str = "") -> Any:
    """Give the JSON value that bytes hold, or what else the content is.

    >>> value_of(b'{"message": "late again"}'), value_of(b"late again"), value_of("late again")
    ({'message': 'late again'}, b'late again', 'late again')

    Raises
    ------
    DataError
        It should be JSON, and is not.
    """
    if not isinstance(content, bytes | bytearray | memoryview):
        return content
    raw = bytes(content)
    is_declared = is_json_type(content_type)
    if not is_declared and (content_type or raw.lstrip()[:1] != b"{"):
        return raw
    if len(raw) > _LONG_JSON:
        check_json_size(raw)
    try:
        return json.loads(raw)
    except (ValueError, RecursionError) as error:
        if not is_declared:
            return raw
        raise DataError(f"the record is not JSON ({' '.join(first_line(error).split())[:60]}).") from None


def fields_of(record: Record) -> dict[str, Any]:
    """Give all fields that a record has, also those that the model does not read; of an event, those of its data.

    >>> fields_of(Record(key="7", content=b'{"message": "late again", "depot": "north"}'))["depot"]
    'north'

    Raises
    ------
    DataError
        It should be JSON, or an event, and is not.
    """
    content_type = next((text for name, text in record.attributes.items() if name.lower() == "content-type"), "")
    if content_type.partition(";")[0].strip().lower() != STRUCTURED:
        event = read_binary(record.attributes, record.content)
        value = value_of(record.content, content_type) if event is None else _data_of(event, event.content_type)
        if event is not None or not is_event(value):
            return value if isinstance(value, dict) else {}
    else:
        value = value_of(record.content, content_type)
    if not isinstance(value, dict):
        return {}
    event, implied = read_structured(value), "application/json"
    data = _data_of(event, event.content_type or implied)
    return data if isinstance(data, dict) else {}


def identity(delivery: Delivery) -> str:
    """What a delivery is known by when it comes again."""
    if delivery.record is not None:
        return delivery.record.key
    return f"unreadable-{hashlib.sha256(delivery.raw).hexdigest()[:24]}"


def raw_of(content: Any) -> bytes:
    """Bytes that stand for a content.

    >>> raw_of({"message": "late again"})
    b'{"message": "late again"}'
    """
    if isinstance(content, bytes):
        return content
    said = content if isinstance(content, str) else json.dumps(content, ensure_ascii=False, default=_packed)
    return said.encode("utf-8", "replace")


def _packed(value: Any) -> str:
    return base64.b64encode(value).decode() if isinstance(value, bytes) else str(value)


def _data_of(event: CloudEvent, content_type: str) -> Any:
    if event.data is None:
        raise DataError(f"the event '{event.id[:60]}' has no data. Send some.")
    return value_of(event.data, content_type)
