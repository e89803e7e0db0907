"""CloudEvents 1.0: records that are events, and answers as events, in structured JSON or with their attributes as headers.

https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/spec.md, its JSON format, and its binary mode.
"""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote

from headstart.core.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Mapping

STRUCTURED = "application/cloudevents+json"
MODES = ("structured", "binary")
_SPEC_VERSION = "1.0"
_NAME = re.compile(r"[a-z0-9]+")
_PREFIX = re.compile(r"(?:ce[-_]|cloudevents[:_])([a-z0-9]+)", re.IGNORECASE)
_REQUIRED = ("id", "source", "specversion", "type")
_JSON_TYPE = re.compile(r"[^;]+[/+]json\s*(?:;.*)?", re.IGNORECASE)
_RFC_3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)")
_INT_32 = 1 << 31


@dataclass(frozen=True, kw_only=True)
class CloudEvent:
    """An event that came in.

    Attributes
    ----------
    id, source : together different for every event
    type : what happened
    data : a JSON value, a text, or bytes; None where there is none
    content_type : of the data; '' is JSON
    time : when it happened, seconds since 1970 UTC; None: not said
    attributes : all of them, as texts, without the data
    """

    id: str
    source: str
    type: str
    data: Any = None
    content_type: str = ""
    time: float | None = None
    attributes: Mapping[str, str]

    @property
    def key(self) -> str:
        """Source and id, which are the same when the event is sent again.

        >>> CloudEvent(id="7", source="/desk", type="ticket", attributes={}).key
        '/desk#7'
        """
        return f"{self.source}#{self.id}"


def is_json_type(content_type: str) -> bool:
    """Whether a media type is JSON.

    >>> is_json_type("application/vnd.desk+json; charset=utf-8"), is_json_type("image/png")
    (True, False)
    """
    return bool(_JSON_TYPE.fullmatch(content_type.strip()))


def is_event(value: Any) -> bool:
    """Whether a JSON value says that it is a CloudEvent."""
    return isinstance(value, dict) and "specversion" in value


def read_structured(value: Mapping[str, Any]) -> CloudEvent:
    """Read an event that is one JSON object.

    Raises
    ------
    DataError
        It breaks a rule of CloudEvents 1.0; the message names the attribute.
    """
    given = {name: one for name, one in value.items() if one is not None}
    if "data" in given and "data_base64" in given:
        raise DataError("the event has both 'data' and 'data_base64'. Send one of them.")
    data = given.pop("data", None)
    packed = given.pop("data_base64", None)
    if packed is not None:
        data = _from_base64(packed)
    return _event({name: _text_of(name, one) for name, one in given.items()}, data)


def read_binary(headers: Mapping[str, str], data: Any) -> CloudEvent | None:
    """Read an event whose attributes are headers (`ce-id`, `ce_id`, `cloudEvents:id`); None where there are none such.

    Parameters
    ----------
    headers : with the content type of the data as `content-type`
    data : the body as it came

    Raises
    ------
    DataError
        Some attributes are there, and they break a rule.
    """
    found = {match[1].lower(): unquote(text) for name, text in headers.items() if (match := _PREFIX.fullmatch(name))}
    if "specversion" not in found:
        return None
    content_type = next((text for name, text in headers.items() if name.lower() == "content-type"), "")
    return _event({**found, **({"datacontenttype": content_type} if content_type else {})}, data)


def structured(*, key: str, source: str, kind: str, data: Mapping[str, Any], time: float) -> dict[str, Any]:
    """Write an answer as an event: one JSON object.

    >>> structured(key="7", source="/m/1", kind="t", data={"label": "spam"}, time=0.0)["time"]
    '1970-01-01T00:00:00Z'
    """
    attributes = _attributes(key=key, source=source, kind=kind, time=time)
    return {**attributes, "datacontenttype": "application/json", "data": dict(data)}


def binary(*, key: str, source: str, kind: str, time: float) -> dict[str, str]:
    """Give the headers of an answer whose body is the data.

    >>> binary(key="7", source="/m/1", kind="t", time=0.0)["ce_id"]
    '7'
    """
    attributes = _attributes(key=key, source=source, kind=kind, time=time)
    return {
        **{f"ce_{name}": quote(text, safe=_HEADER_SAFE) for name, text in attributes.items()},
        "content-type": "application/json",
    }


_HEADER_SAFE = "".join(chr(code) for code in range(0x21, 0x7F) if chr(code) not in '"%')


def _attributes(*, key: str, source: str, kind: str, time: float) -> dict[str, str]:
    said = datetime.fromtimestamp(time, UTC).isoformat().replace("+00:00", "Z")
    return {"specversion": _SPEC_VERSION, "id": key, "source": source, "type": kind, "time": said}


def _event(attributes: dict[str, str], data: Any) -> CloudEvent:
    for name in _REQUIRED:
        if not attributes.get(name):
            raise DataError(f"the event has no '{name}'. A CloudEvent has {', '.join(_REQUIRED)}.")
    if attributes["specversion"] != _SPEC_VERSION:
        raise DataError(f"the event is of CloudEvents {attributes['specversion'][:20]!r}; {_SPEC_VERSION} is read.")
    if any(map(str.isspace, attributes["source"])):
        raise DataError("the event's 'source' is no URI reference: it has a space in it. Write %20.")
    return CloudEvent(
        id=attributes["id"],
        source=attributes["source"],
        type=attributes["type"],
        data=data,
        content_type=attributes.get("datacontenttype", ""),
        time=None if "time" not in attributes else _seconds(attributes["time"]),
        attributes=attributes,
    )


def _text_of(name: str, value: Any) -> str:
    if not _NAME.fullmatch(name):
        raise DataError(f"the event's attribute '{name[:40]}' must have only lowercase letters and digits in its name.")
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int) and -_INT_32 <= value < _INT_32 and name not in _REQUIRED:
        return str(value)
    if not isinstance(value, str):
        raise DataError(f"the event's '{name}' must be a string, not {value!r:.40}.")
    return readable(value, f"the event's '{name}'")


def readable(text: str, what: str) -> str:
    r"""Give a text that is Unicode: half a surrogate pair, which JSON can hold, is none, and could not be written.

    >>> readable("7", "the key")
    '7'

    Raises
    ------
    DataError
        It is not.
    """
    try:
        text.encode()
    except UnicodeEncodeError:
        raise DataError(f"{what} is no Unicode text: {ascii(text)[:40]}. Send another.") from None
    return text


def _seconds(text: str) -> float:
    try:
        if not _RFC_3339.fullmatch(text):
            raise ValueError  # noqa: TRY301  fromisoformat reads more forms than the standard has
        return datetime.fromisoformat(text.upper()).timestamp()
    except ValueError:
        raise DataError(f"the event's 'time' is no RFC 3339 time: '{text[:40]}'. Write 2026-11-29T08:00:00Z.") from None


def _from_base64(packed: Any) -> bytes:
    try:
        return base64.b64decode(packed, validate=True)
    except (TypeError, ValueError, binascii.Error):
        raise DataError("the event's 'data_base64' is not base64. Send bytes in that encoding.") from None
