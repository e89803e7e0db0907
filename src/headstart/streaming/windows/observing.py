"""What is counted of a record: its time, its group, and what its answer says."""

from __future__ import annotations

import math
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from headstart.core.errors import UserError
from headstart.streaming.reading import fields_of
from headstart.streaming.windows.aggregate import Observed
from headstart.streaming.windows.settings import ARRIVAL

if TYPE_CHECKING:
    from collections.abc import Mapping

    from headstart.streaming.record import Output, Record
    from headstart.streaming.windows.settings import WindowSettings

_FUTURE_S = 86_400.0  # a clock that is wrong would end every window
_EARLIEST_S = datetime(1000, 1, 1, tzinfo=UTC).timestamp()  # what lies before has no place in a calendar


class Observer:
    """Reads records and answers as `WindowSettings` says."""

    def __init__(self, settings: WindowSettings) -> None:
        self._settings = settings
        time_field = None if settings.time == ARRIVAL else settings.time
        self._has_fields = any((settings.by, time_field, settings.label, settings.label_time))

    def observe(self, record: Record, output: Output, *, is_dead: bool) -> tuple[int | None, str, Observed]:
        """Give its time in microseconds (None where it has none that can be), its group, and what is counted."""
        fields = self._fields(record)
        seconds = self._time(record, fields)
        group = fields.get(self._settings.by) if self._settings.by else None
        answer = output.value.get("data", {}) if "specversion" in output.value else output.value
        counted = Observed(is_dead=True, is_anomaly=True) if is_dead else self._counted(answer, fields, seconds)
        return None if seconds is None else round(seconds * 1e6), "" if group is None else str(group), counted

    def _fields(self, record: Record) -> Mapping[str, Any]:
        if not self._has_fields:
            return {}
        try:
            return fields_of(record)
        except UserError:
            return {}

    def _time(self, record: Record, fields: Mapping[str, Any]) -> float | None:
        name = self._settings.time
        if name == ARRIVAL:
            return time.time()
        found = record.time if name is None else seconds_of(fields.get(name))
        return found if found is not None and _EARLIEST_S <= found <= time.time() + _FUTURE_S else None

    def _counted(self, answer: Mapping[str, Any], fields: Mapping[str, Any], seconds: float | None) -> Observed:
        label = answer.get("label")
        labels = tuple(map(str, answer.get("labels", () if label is None else (label,))))
        score = answer.get("probability", answer.get("value"))
        plausible = answer.get("prediction_set")
        truth = fields.get(self._settings.label) if self._settings.label else None
        known = None if truth in (None, "") else str(truth)
        at = seconds_of(fields.get(self._settings.label_time)) if self._settings.label_time and known else None
        return Observed(
            labels=labels,
            score=score if isinstance(score, int | float) and math.isfinite(score) else None,
            is_anomaly=plausible is not None and len(plausible) != 1,
            is_correct=None if known is None or label is None else known == str(label),
            delay_s=None if at is None or not math.isfinite(at) or seconds is None else at - seconds,
        )


def seconds_of(value: Any) -> float | None:
    """Read a time: ISO 8601 (UTC where it names no zone), or seconds since 1970; None where it is neither.

    >>> seconds_of("1970-01-01T00:01:00Z"), seconds_of("1970-01-01 01:01:00+01:00"), seconds_of("60"), seconds_of("soon")
    (60.0, 60.0, 60.0, None)
    """
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    try:
        return float(value)
    except ValueError:
        pass
    except OverflowError:
        return None
    try:
        moment = datetime.fromisoformat(str(value).strip())
    except ValueError:
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
