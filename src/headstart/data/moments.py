"""Moments: dates and times as people and databases write them."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from headstart.data.values import number_of

_ZONE = re.compile(r"\s*(?:UTC|GMT|Z)$", re.IGNORECASE)
_WITH_MONTHS = ("%d %b %Y", "%d %B %Y", "%b %d, %Y", "%B %d, %Y", "%b %d %Y", "%d-%b-%Y")


def moment_of(cell: Any) -> float | None:
    """Read a number, a date or time, or a date object as seconds; one without a zone is taken as UTC.

    A date is ISO 8601, as in an e-mail, or with its month in English letters; '3/4/2026' is none, for it may be two days.

    >>> moment_of("1970-01-02"), moment_of("1970-01-02 00:00:00 UTC"), moment_of("2 Jan 1970"), moment_of(7), moment_of("soon")
    (86400.0, 86400.0, 86400.0, 7.0, None)
    """
    number = number_of(cell)
    if number is not None:
        return number
    try:
        when = _read(cell.strip()) if isinstance(cell, str) else cell
        if isinstance(when, date) and not isinstance(when, datetime):
            when = datetime(when.year, when.month, when.day, tzinfo=UTC)
        if when.tzinfo is None:
            when = when.replace(tzinfo=UTC)
        return float(when.timestamp())
    except (AttributeError, TypeError, ValueError, OverflowError):
        return None


def _read(text: str) -> datetime:
    """Read what is written; raises `ValueError` where it is no date."""
    plain = _ZONE.sub("", text)
    is_utc = plain != text
    for read in (datetime.fromisoformat, _with_a_month, parsedate_to_datetime):
        try:
            when = read(plain if read is not parsedate_to_datetime else text)
        except ValueError:
            continue
        return when.replace(tzinfo=UTC) if is_utc and when.tzinfo is None else when
    raise ValueError(text)


def _with_a_month(text: str) -> datetime:
    for form in _WITH_MONTHS:
        try:
            return datetime.strptime(text, form).replace(tzinfo=UTC)
        except ValueError:
            continue
    raise ValueError(text)
