"""What all brokers have in common: a message is a body with headers; it becomes a record, and an output becomes one."""

from __future__ import annotations

import json
import re
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from headstart.core.errors import DataError, HeadstartError, OptionError, ServiceError, first_line
from headstart.streaming.record import Delivery, Output, Record

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from headstart.streaming.address import Address

JSON, STRUCTURED = "application/json", "application/cloudevents+json"
CONTENT_TYPE, KEY = "content-type", "key"
EVENT_PREFIX = "ce_"
"""Begins the attributes of a record that are CloudEvents attributes, whatever its broker begins them with."""

_PREFIXES = ("ce_", "ce-", "cloudevents:", "cloudevents_")
_SHOWN_CHARACTERS = 80


@dataclass(frozen=True, kw_only=True)
class Message:
    """A message of a broker.

    Attributes
    ----------
    headers : as the broker has them, as text
    key : by which the broker knows it again; a header named `key`, or as `key_header` says, goes before it
    key_header : name of the header with the record's key
    partition : the broker's own, if it has one
    time : when the broker received it, seconds since 1970 UTC; a CloudEvent's own time goes before it
    token : for the inlet
    """

    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)
    key: str
    key_header: str = ""
    partition: str = ""
    time: float | None = None
    token: Any = None


def as_delivery(message: Message) -> Delivery:
    """Read a message as a record; what cannot be read is a delivery with the reason."""
    try:
        return Delivery(record=_record(message), token=message.token, raw=message.body)
    except DataError as error:
        return Delivery(record=None, token=message.token, raw=message.body, error=str(error))


def _record(message: Message) -> Record:
    attributes = {_plain_name(name): value for name, value in message.headers.items()}
    key_header = _plain_name(message.key_header or KEY)
    if message.key_header and not attributes.get(key_header):
        raise DataError(
            f"the message has no header '{message.key_header}', which was to be its key. Headers: {', '.join(attributes) or 'none'}."
        )
    return Record(
        key=attributes.pop(key_header, "") or message.key,
        content=_content(message.body, attributes.get(CONTENT_TYPE, "")),
        partition=attributes.get("ce_partitionkey", message.partition),
        time=_time(attributes["ce_time"]) if "ce_time" in attributes else message.time,
        attributes=attributes,
    )


def _plain_name(name: str) -> str:
    """Name a header as attributes have it: in small letters, CloudEvents attributes with `ce_` before them.

    >>> _plain_name("cloudEvents:source"), _plain_name("ce-type"), _plain_name("Trace")
    ('ce_source', 'ce_type', 'trace')
    """
    name = name.lower()
    for prefix in _PREFIXES:
        if name.startswith(prefix):
            return EVENT_PREFIX + name.removeprefix(prefix)
    return name


def _content(body: bytes, content_type: str) -> Any:
    """Read a body: JSON objects and strings, text, or bytes, by the content type; without one by what the body looks like."""
    kind = content_type.partition(";")[0].strip().lower()
    if kind == JSON or kind.endswith("+json"):
        return _json(body)
    if kind.startswith("text/"):
        return _text(body, kind)
    if kind:
        return body
    if body.lstrip()[:1] in {b"{", b'"'}:
        return _json(body)
    try:
        return body.decode()
    except UnicodeDecodeError:
        return body


def _json(body: bytes) -> Any:
    try:
        value = json.loads(body)
    except ValueError as error:
        raise DataError(
            f"the body is no JSON ({first_line(error)}): {_shown(body)}. Send JSON, or text with content-type text/plain."
        ) from None
    if not isinstance(value, dict | str):
        raise DataError(
            f"the body is JSON, but neither an object nor a string: {_shown(body)}. "
            "Send the fields as an object, or a text as a string."
        )
    return value


def _text(body: bytes, kind: str) -> str:
    try:
        return body.decode()
    except UnicodeDecodeError as error:
        raise DataError(f"the body is {kind} but not UTF-8 ({first_line(error)}): {_shown(body)}.") from None


def _shown(body: bytes) -> str:
    return repr(body[:_SHOWN_CHARACTERS].decode(errors="replace"))


def _time(text: str) -> float:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise DataError(
            f"ce_time is '{text[:_SHOWN_CHARACTERS]}', which is no time. Write it as 2026-11-29T08:00:00Z."
        ) from None
    if moment.tzinfo is None:
        raise DataError(
            f"ce_time is '{text[:_SHOWN_CHARACTERS]}', without a time zone. Write it as {text}Z or {text}+01:00."
        )
    return moment.timestamp()


def body_of(output: Output) -> bytes:
    """Write an output as JSON."""
    return json.dumps(dict(output.value), ensure_ascii=False).encode()


def headers_of(output: Output, *, event_prefix: str) -> dict[str, str]:
    """Write the headers of an output: its attributes, with the CloudEvents attributes as this broker begins them, key and content type."""
    headers = {
        event_prefix + name.removeprefix(EVENT_PREFIX) if name.startswith(EVENT_PREFIX) else name: value
        for name, value in output.attributes.items()
        if name not in {CONTENT_TYPE, KEY}
    }
    structured = "specversion" in output.value and "data" in output.value
    return {**headers, KEY: output.key, CONTENT_TYPE: STRUCTURED if structured else JSON}


def number_option(address: Address, name: str, default: float, *, least: float = 0.0) -> float:
    """Read an option that is a number.

    Raises
    ------
    OptionError
        It is none, or less than `least`.
    """
    text = address.options.get(name, "")
    if not text:
        return default
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if not least <= value < float("inf"):
        raise OptionError(
            f"{name}={text[:_SHOWN_CHARACTERS]} in {address.text}: expected a number of at least {least:g}."
        )
    return value


def choice_option(address: Address, name: str, choices: tuple[str, ...]) -> str:
    """Read an option that is one of some words; the first is the default.

    Raises
    ------
    OptionError
        It is another.
    """
    value = address.options.get(name, choices[0])
    if value not in choices:
        raise OptionError(
            f"{name}={value[:_SHOWN_CHARACTERS]} in {address.text}: expected one of {', '.join(choices)}."
        )
    return value


def flag_option(address: Address, name: str) -> bool:
    """Read an option that is 1 or 0; 0 where it is not given.

    Raises
    ------
    OptionError
        It is neither.
    """
    return choice_option(address, name, ("0", "1")) == "1"


def need_name(address: Address, noun: str) -> str:
    """Give the name of the queue, stream or topic that the address ends in.

    Raises
    ------
    OptionError
        It names none.
    """
    if not address.path:
        raise OptionError(f"{address.text} names no {noun}. Write {address.scheme}://HOST:PORT/{noun.upper()}.")
    return address.path


def missing(address: Address, noun: str) -> OptionError:
    """Build the error for a queue, stream or topic that is not there."""
    joint = "&" if address.options else "?"
    return OptionError(
        f"there is no {noun} '{address.path}' at {address.text}. Create it, or let Headstart do so: {address.text}{joint}create=1"
    )


_REFUSED = re.compile(
    "authorization ?(violation|error)|authentication|wrongpass|noauth|access_refused|bad user ?name or password|not authorized",
    re.IGNORECASE,
)
"""How NATS, Redis, RabbitMQ, MQTT and Kafka say that they do not know a user, or not with this password."""


@contextmanager
def service_errors(address: Address, *kinds: type[BaseException]) -> Iterator[None]:
    """Turn a library's errors into a `ServiceError` that names the address; into an `OptionError` where a user or password is refused."""
    try:
        yield
    except HeadstartError:
        raise
    except kinds as error:
        if _REFUSED.search(f"{type(error).__name__} {error}"):  # asked again it would say the same
            raise OptionError(
                f"{address.text} refuses the user or the password ({first_line(error)}). Write them as "
                f"{address.scheme}://USER:PASSWORD@HOST, and check that this user may use '{address.path}'."
            ) from error
        raise ServiceError(
            f"{address.text} does not answer, or refused ({first_line(error)}). Is the broker running, and are host, port and password right?"
        ) from error
