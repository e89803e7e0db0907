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
    content : what is to be answered: text, bytes (a photo), or a mapping of fields
    partition : records of one partition are answered in their order
    time : when it happened, seconds since 1970 UTC; None: not said
    attributes : what else came with it (headers, CloudEvents attributes), handed on as it is
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
    record : None where what came is no record; `error` says why
    token : by which the inlet knows it again; no one else looks at it
    raw : the bytes as they came, for the dead letter
    error : why it cannot be read; empty if it can
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
