"""Record: what goes through a stream, and what comes out for it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, kw_only=True)
class Record:
    """One record as it came in.

    Attributes
    ----------
    key : the same whenever the same record is delivered, and different for every other record of the stream; the output carries it
    content : what is to be answered: text, bytes, or a mapping of fields. Bytes are JSON where `attributes["content-type"]` says so or
        they begin as an object of JSON does; others are an item as it is: a text, a photo
    partition : records of one partition are answered in their order
    time : when it happened, seconds since 1970 UTC; None: not said
    attributes : what else came with it (headers, CloudEvents attributes), handed on as it is; `attempt` is how many times it has been
        delivered, where the place counts that
    """

    key: str
    content: Any
    partition: str = ""
    time: float | None = None
    attributes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Delivery:
    """A record that waits to be acknowledged.

    Attributes
    ----------
    record : None where what came is no record, and its place gives it no key either; `error` says why
    token : by which the inlet knows it again; no one else looks at it
    raw : the bytes as they came, for the dead letter
    error : why it cannot be read; empty if it can. With a record, the dead letter has its key
    """

    record: Record | None
    token: Any = None
    raw: bytes = b""
    error: str = ""


@dataclass(frozen=True, kw_only=True)
class Output:
    """What is written for one record.

    Attributes
    ----------
    key : of the record; an outlet that knows the key already may leave the output out
    value : the answer, or the dead letter, as a JSON object
    partition : of the record
    time : of the record
    attributes : of the record, and `ce_…` where the output is a CloudEvent
    """

    key: str
    value: Mapping[str, Any]
    partition: str = ""
    time: float | None = None
    attributes: Mapping[str, str] = field(default_factory=dict)
