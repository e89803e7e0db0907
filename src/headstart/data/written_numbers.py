"""Numbers as people write them: thousands, decimal commas, currencies, percent signs and units."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from headstart.core.dataset import Notice
from headstart.core.errors import DataError
from headstart.data.values import is_missing, number_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_SIGNS = str.maketrans(
    dict.fromkeys("\u2212\u2013\u2014", "-") | dict.fromkeys("\u00a0\u202f\u2009", " ") | {"\u2019": "'"}
)
_CURRENCY = (
    r"(?:[A-Z]{1,2})?[$\u20ac\u00a3\u00a5\u20b9\u20bd\u20a9\u20ba\u20aa]|Rs\.?|kr\.?|z\u0142|K\u010d|"
    "(?:USD|EUR|GBP|JPY|CHF|CAD|AUD|NZD|CNY|RMB|INR|BRL|MXN|ZAR|SEK|NOK|DKK|PLN|CZK|HUF|TRY|RUB|KRW|SGD|HKD|ILS|AED|SAR|THB)"
)
_UNIT = r"%|(?!(?:st|nd|rd|th)\b)(?:[^\W\d_]|[/\u00b2\u00b3 ]){1,12}|\u00b0\w?"
_WRITTEN = re.compile(
    rf"(?P<sign>-?)\s*(?P<before>{_CURRENCY}|)\s*(?P<minus>-?)(?P<digits>\d[\d.,' ]*?)\s*(?P<behind>(?:{_CURRENCY})(?:/\w+)?|{_UNIT}|)"
)
_IS_AMOUNT = re.compile(rf"%|{_CURRENCY}")
_POINT = re.compile(r"(?:\d+|\d{1,3}(?:([,' ])\d{2,3})*[,' ]\d{3})(?:\.\d+)?")  # in India 1,23,456
_COMMA = re.compile(r"(?:\d+|\d{1,3}(?:([.' ])\d{3})(?:\1\d{3})*)(?:,\d+)?")
_NO_CENTS = re.compile(r"[.,]\s*-+$")
_FIGURES_FIRST = re.compile(r"\W{0,3}\d")
_FACTORS = {"k": 1e3, "K": 1e3, "M": 1e6, "mn": 1e6, "B": 1e9, "bn": 1e9}
_SHARE = 0.9
_RARE_UNIT = 0.1  # of a column's cells; what stands beside a number more seldom is no unit, but a part of a name
_MANY = 20
_MIN_POINTED = 5
_THOUSANDS = re.compile(r"\s*-?[1-9]\d{0,2}(?:\.\d{3})\s*")


@dataclass(frozen=True, kw_only=True)
class WrittenNumbers:
    """How the numbers of a column are written.

    Attributes
    ----------
    decimal : the decimal sign, '.' or ','
    units : what stands around the numbers, such as '$' or 'kg', with the first cell of each, the commonest first; '' for nothing
    """

    decimal: str
    units: dict[str, str]

    @classmethod
    def from_word(cls, word: str) -> WrittenNumbers:
        """Make one of what `word` gives."""
        decimal, *units = word.split("|")
        return cls(decimal=decimal, units={unit: unit for unit in units})

    @property
    def word(self) -> str:
        """The decimal sign and the units as one word; '' for plain numbers.

        >>> WrittenNumbers.from_word(",|EUR").word, WrittenNumbers(decimal=".", units={"": "1"}).word
        (',|EUR', '')
        """
        return "" if self.decimal == "." and set(self.units) <= {""} else "|".join((self.decimal, *self.units))

    @property
    def factors(self) -> dict[str, float]:
        """What units multiply by, where all are of the kind 'k' and 'M'."""
        named = [unit for unit in self.units if unit]
        return {unit: _FACTORS[unit] for unit in named} if named and all(unit in _FACTORS for unit in named) else {}

    @property
    def are_amounts(self) -> bool:
        """Whether they are money or percentages, which are no names of classes, however few there are."""
        return any(_IS_AMOUNT.match(unit) for unit in self.units)

    def read(self, cell: Any) -> float | None:
        """Read one cell; None if it is no number of the column's kind."""
        plain = number_of(cell) if not isinstance(cell, str) or self.decimal == "." else None
        if plain is not None:
            return plain
        found = _taken_apart(cell)
        if found is None or found[1] not in self.units:
            return None
        value = _value(found[0], self.decimal)
        return None if value is None else value * self.factors.get(found[1], 1.0)

    def mixed_units(self) -> tuple[str, str] | None:
        """Two cells of different units, if there are such; a bare number beside '$5' is of the same, but beside '5 %' it is not."""
        units = [unit for unit in self.units if unit or "%" in self.units]
        return (self.units[units[0]], self.units[units[1]]) if len(units) > 1 and not self.factors else None

    @property
    def said(self) -> str:
        """How they are read, in a sentence's end."""
        left_out = " and ".join(f"'{unit}'" for unit in self.units if unit and unit not in self.factors)
        times = " and ".join(f"'{unit}' times {factor:,.0f}" for unit, factor in self.factors.items())
        point = f"with a decimal {'comma' if self.decimal == ',' else 'point'}"
        return ", ".join(filter(None, (point, left_out and f"{left_out} left out", times)))


def written_numbers(cells: Iterable[Any]) -> WrittenNumbers | None:
    """Recognise how the numbers of a column are written; None where fewer than nine of ten cells are numbers.

    >>> written_numbers(["$1,299.00", "$15.50"]).read("$2,000.00"), written_numbers(["1.299,00 EUR", "15,5 EUR"]).read("7,25 EUR")
    (2000.0, 7.25)
    >>> written_numbers(["10 kg", "12 kg"]).units
    {'kg': '10 kg'}
    """
    present = [cell for cell in dict.fromkeys(cells) if not is_missing(cell)]
    apart = [(cell, found) for cell in present if (found := _taken_apart(cell)) is not None]
    counts = Counter(unit for _, (_, unit) in apart)
    n_read = {sign: sum(_value(digits, sign) is not None for _, (digits, _) in apart) for sign in ".,"}
    decimal = max(n_read, key=lambda sign: n_read[sign])
    is_unit = all(count >= _RARE_UNIT * len(apart) for unit, count in counts.items() if unit)
    if not present or n_read[decimal] < _SHARE * len(present) or not is_unit:
        return None
    first = {unit: str(cell) for cell, (_, unit) in reversed(apart)}
    return WrittenNumbers(decimal=decimal, units={unit: first[unit] for unit, _ in counts.most_common()})


def thousands_notice(cells: Iterable[Any], column: str) -> tuple[Notice, ...]:
    """Ask whether the point in '1.250' separates thousands, where every point of a column could."""
    pointed = [cell for cell in dict.fromkeys(cells) if isinstance(cell, str) and "." in cell]
    if len(pointed) < _MIN_POINTED or not all(map(_THOUSANDS.fullmatch, pointed)):
        return ()
    message = f"'{pointed[0]}' in column '{column}' is read with a decimal point; if it separates thousands, write {pointed[0].replace('.', '')}."
    return (Notice(kind="guess", message=message),)


def check_figures(cells: Sequence[Any], ids: Sequence[str], column: str) -> None:
    """Refuse a column of many values that are no numbers as they stand, though they begin with figures: '~12.5', '10-20', '3,5' beside '3.5'.

    Raises
    ------
    DataError
        It names the first of them.
    """
    distinct = list(dict.fromkeys(cell for cell in cells if not is_missing(cell)))
    if len(distinct) <= max(_MANY, len(cells) // 2) or not all(isinstance(cell, str) for cell in distinct):
        return
    figures = [cell for cell in distinct if _FIGURES_FIRST.match(cell)]
    if len(figures) < _SHARE * len(distinct):
        return
    odd = next((cell for cell in figures if number_of(cell) is None), figures[0])
    raise DataError(
        f"{ids[list(cells).index(odd)]}: column '{column}' holds '{odd[:40]}', one of {len(distinct)} values that look like numbers and cannot all "
        "be read. Write each as 1234.5, in one unit; or choose another target with --target COLUMN."
    )


def _taken_apart(cell: Any) -> tuple[str, str] | None:
    """The figures of a number with their sign, and what stands around them; None if it is no number."""
    if not isinstance(cell, str):
        return None if number_of(cell) is None else (str(cell), "")
    text = cell.translate(_SIGNS).strip()
    if text.startswith("(") and text.endswith(")"):
        text = f"-{text[1:-1]}"  # as accountants write what is below zero
    text = _NO_CENTS.sub("", text)
    match = _WRITTEN.fullmatch(text)
    if match is None:
        return None if number_of(text) is None else (text, "")
    unit = (match["before"] + match["behind"]).strip()
    return (match["sign"] or match["minus"]) + match["digits"].strip(), unit


def _value(figures: str, decimal: str) -> float | None:
    unsigned = figures.removeprefix("-")
    if (_POINT if decimal == "." else _COMMA).fullmatch(unsigned):
        plain = re.sub(r"[,' ]" if decimal == "." else r"[.' ]", "", figures)
        return number_of(plain.replace(",", "."))
    return number_of(figures) if decimal == "." else None
