"""The false alarms that the user will bear, as the threshold of the detector."""

from __future__ import annotations

import re
from dataclasses import dataclass

from headstart.core.errors import OptionError

_SECONDS = {
    "second": 1.0,
    "minute": 60.0,
    "hour": 3600.0,
    "day": 86_400.0,
    "week": 604_800.0,
    "month": 2_629_800.0,
    "year": 31_557_600.0,
}  # fmt: skip  a month is a twelfth of 365.25 days
_PER_TIME = re.compile(
    r"\s*(\d+(?:\.\d+)?|an?|one|once)?\s*(?:per|an?|every|/)?\s*(second|minute|hour|day|week|month|year)s?\s*",
    re.IGNORECASE,
)
_PER_RECORDS = re.compile(r"\s*(\d+(?:\.\d+)?)\s*(?:/|per|in)\s*(\d[\d_,]*)\s*(?:records?)?\s*", re.IGNORECASE)
_EXAMPLES = "1/720000 (one in 720,000 records), or '1 per month' with --rate '1000 per hour'"
_LOWEST, _HIGHEST = 10.0, 1e15


@dataclass(frozen=True, kw_only=True)
class FalseAlarms:
    """At most `1 / records` false alarms a record are expected while nothing changes.

    Attributes
    ----------
    records : for one false alarm; the threshold of the detector
    words : as the user said it
    """

    records: float
    words: str

    @classmethod
    def parse(cls, text: str, rate: str | None = None) -> FalseAlarms:
        """Read a budget.

        >>> FalseAlarms.parse("1/720000").records, FalseAlarms.parse("2 per month", "1000 per hour").records
        (720000.0, 365250.0)

        Parameters
        ----------
        rate : how many records come, such as '1000 per hour'; needed where the budget is one of time

        Raises
        ------
        OptionError
            It is none, or so lax that it would be one alarm in less than 10 records.
        """
        if match := _PER_RECORDS.fullmatch(text):
            if rate is not None:
                _records_a_second(rate)  # it is of no use here, and wrong is wrong
            alarms, records = float(match[1]), float(re.sub(r"[_,]", "", match[2]))
            words = f"at most {match[1]} false alarm{'' if alarms == 1 else 's'} in {records:,.0f} records"
        elif match := _PER_TIME.fullmatch(text):
            alarms = float(match[1]) if match[1] and match[1][0].isdigit() else 1.0
            records = _records_a_second(rate) * _SECONDS[match[2].lower()]
            words = f"at most {alarms:g} false alarm{'' if alarms == 1 else 's'} a {match[2].lower()} at {(rate or '').strip()}"
        else:
            raise OptionError(f"'{text[:60]}' is no budget of false alarms. Write {_EXAMPLES}.")
        if alarms <= 0:
            raise OptionError(
                f"'{text[:60]}' is no false alarm at all, which no watch that finds changes can promise. Write {_EXAMPLES}."
            )
        if not records / alarms < _HIGHEST:
            raise OptionError(f"'{text[:60]}' is rarer than can be counted. Write {_EXAMPLES}.")
        if records / alarms < _LOWEST:
            raise OptionError(
                f"'{text[:60]}' is one false alarm in {records / alarms:.3g} records; at least {_LOWEST:.0f} records are needed "
                f"for one. Write {_EXAMPLES}."
            )
        return cls(records=records / alarms, words=words)


def _records_a_second(rate: str | None) -> float:
    if rate is None:
        raise OptionError("a budget of time needs to know how many records come: --rate '1000 per hour'.")
    match = re.fullmatch(r"\s*(\d[\d_,]*(?:\.\d+)?)\s*(?:records?)?\s*(?:per|an?|/)\s*(\w+?)s?\s*", rate, re.IGNORECASE)
    if not match or match[2].lower() not in _SECONDS or float(re.sub(r"[_,]", "", match[1])) <= 0:
        raise OptionError(
            f"'{rate[:60]}' is no rate of records. Write '1000 per hour', or another of {', '.join(_SECONDS)}."
        )
    return float(re.sub(r"[_,]", "", match[1])) / _SECONDS[match[2].lower()]
