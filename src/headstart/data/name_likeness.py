"""How much two names of columns say the same: by their words, with abbreviations, units set apart."""

from __future__ import annotations

import re

_UNITS = frozenset(
    [
        "usd",
        "eur",
        "gbp",
        "dollars",
        "euros",
        "cents",
        "kg",
        "g",
        "mg",
        "lb",
        "lbs",
        "oz",
        "km",
        "m",
        "cm",
        "mm",
        "mi",
        "miles",
        "ft",
        "in",
        "l",
        "ml",
        "pct",
        "percent",
        "days",
        "hours",
        "minutes",
        "seconds",
        "hrs",
        "mins",
        "secs",
        "s",
        "h",
        "d",
        "ms",
        "yrs",
        "years",
        "months",
    ]
)
_SAME = (
    frozenset({"sex", "gender"}),
    frozenset({"price", "cost"}),
    frozenset({"zip", "zipcode", "postcode", "postal"}),
    frozenset({"dob", "birthdate", "birthday"}),
    frozenset({"salary", "income", "wage", "earnings"}),
    frozenset({"customer", "client"}),
    frozenset({"number", "no", "num", "nr", "count", "n"}),
    frozenset({"quantity", "qty"}),
    frozenset({"country", "nation"}),
    frozenset({"date", "day", "dt"}),
)
_LEAST_ABBREVIATION = 2


def name_likeness(left: str, right: str) -> tuple[float, str]:
    """From 0 to 1, with the reason.

    >>> name_likeness("Total Amount", "total_amount")
    (1.0, 'the same name')
    >>> name_likeness("amount_usd", "amt")
    (0.8, 'a like name')
    >>> name_likeness("age", "wage")
    (0.0, 'another name')
    """
    a, b = words_of(left), words_of(right)
    if a == b:
        return 1.0, "the same name"
    a, b = _without_units(a), _without_units(b)
    if a == b:
        return 0.9, "the same name, but for a unit"
    if "".join(a) == "".join(b):
        return 0.95, "the same name"
    n_alike = _n_alike(a, b)
    if n_alike == max(len(a), len(b)):
        return 0.8, "a like name"
    share = n_alike / max(len(a), len(b))
    return (0.8 * share, "words of its name") if share > 0 else (0.0, "another name")


def words_of(name: str) -> list[str]:
    """The words of a name in lower case: `customerAge_2` has three.

    >>> words_of("customerAge_2")
    ['customer', 'age', '2']
    """
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Za-z])(?=[0-9])", "_", name)
    return [word for word in re.split(r"[\W_]+", spaced.casefold()) if word]


def _without_units(words: list[str]) -> list[str]:
    kept = [words[0]] if words else []
    return kept + [word for word in words[1:] if word not in _UNITS]


def _n_alike(left: list[str], right: list[str]) -> int:
    """How many words of one have a word of the other that is the same, an abbreviation or another word for it."""
    free, count = list(right), 0
    for word in left:
        other = next((one for one in free if _alike(word, one)), None)
        if other is not None:
            free.remove(other)
            count += 1
    return count


def _alike(left: str, right: str) -> bool:
    if left == right or any(left in same and right in same for same in _SAME):
        return True
    short, long = sorted((left, right), key=len)
    if len(short) < _LEAST_ABBREVIATION or not short.isalpha() or short[0] != long[0] or len(short) == len(long):
        return False
    letters = iter(long)
    return all(letter in letters for letter in short) and (long.startswith(short) or short[-1] in long[2:])
