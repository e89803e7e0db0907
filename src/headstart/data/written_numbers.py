"""Numbers as people write them: thousands, decimal commas, currencies, percent signs and units."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from headstart.data.values import is_missing, number_of

if TYPE_CHECKING:
    from collections.abc import Iterable

_SIGNS = str.maketrans({"\u2212": "-", "\u2013": "-", "\u00a0": " ", "\u202f": " ", "\u2009": " ", "\u2019": "'"})
_CURRENCY = r"(?:[A-Z]{1,2})?[$\u20ac\u00a3\u00a5\u20b9\u20bd\u20a9\u20ba\u20aa]|Rs\.?|kr\.?|[A-Z]{3}"
_UNIT = r"%|(?!(?:st|nd|rd|th)\b)[^\W\d_\u00b0]{1,3}(?:[\w/\u00b2\u00b3 ]{0,9})|\u00b0\w?"
_WRITTEN = re.compile(
    rf"(?P<sign>-?)\s*(?P<before>{_CURRENCY}|)\s*(?P<minus>-?)(?P<digits>\d[\d.,' ]*?)\s*(?P<behind>{_CURRENCY}|{_UNIT}|)"
)
_POINT = re.compile(r"(?:\d+|\d{1,3}(?:([,' ])\d{3})(?:\1\d{3})*)(?:\.\d+)?")
_COMMA = re.compile(r"(?:\d+|\d{1,3}(?:([.' ])\d{3})(?:\1\d{3})*)(?:,\d+)?")
_SHARE = 0.9
_RARE_UNIT = 0.1  # of a column's cells; what stands beside a number more seldom is no unit, but a part of a name


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

    def read(self, cell: Any) -> float | None:
        """Read one cell; None if it is no number of the column's kind."""
        plain = number_of(cell) if not isinstance(cell, str) or self.decimal == "." else None
        if plain is not None:
            return plain
        found = _taken_apart(cell)
        if found is None or found[1] not in self.units:
            return None
        return _value(found[0], self.decimal)

    def mixed_units(self) -> tuple[str, str] | None:
        """Two cells of different units, if there are such; a bare number beside '$5' is of the same, but beside '5 %' it is not."""
        units = [unit for unit in self.units if unit or "%" in self.units]
        return (self.units[units[0]], self.units[units[1]]) if len(units) > 1 else None

    @property
    def said(self) -> str:
        """How they are read, in a sentence's end."""
        units = [f"'{unit}'" for unit in self.units if unit]
        return f"with a decimal {'comma' if self.decimal == ',' else 'point'}" + (
            f", {' and '.join(units)} left out" if units else ""
        )


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
    first = {unit: str(next(cell for cell, (_, own) in apart if own == unit)) for unit, _ in counts.most_common()}
    best = max(".,", key=lambda decimal: sum(_value(digits, decimal) is not None for _, (digits, _) in apart))
    n_read = sum(_value(digits, best) is not None for _, (digits, _) in apart)
    is_unit = all(count >= _RARE_UNIT * len(apart) for unit, count in counts.items() if unit)
    if not present or n_read < _SHARE * len(present) or not is_unit:
        return None
    return WrittenNumbers(decimal=best, units=first)


def _taken_apart(cell: Any) -> tuple[str, str] | None:
    """The figures of a number with their sign, and what stands around them; None if it is no number."""
    if not isinstance(cell, str):
        return None if number_of(cell) is None else (str(cell), "")
    text = cell.translate(_SIGNS).strip()
    if text.startswith("(") and text.endswith(")"):
        text = f"-{text[1:-1]}"  # as accountants write what is below zero
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
