"""What labels are in Python: whole numbers, numbers, true and false, or texts."""

from __future__ import annotations

import re
from numbers import Real
from typing import TYPE_CHECKING, Any

import numpy as np

from headstart.data.values import number_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from headstart.core.label_rule import LabelType

_WHOLE = re.compile(r"-?(0|[1-9]\d*)(\.0+)?")
_NUMBER = re.compile(r"-?(0|[1-9]\d*)\.\d+")


def label_type_of(labels: Iterable[Any], *, have_types: bool) -> LabelType:
    """Find the type that all labels have.

    Parameters
    ----------
    have_types : whether strings are texts; in a CSV file they are what a reader of it would make of them, as pandas does. Numbers with a
        leading zero stay texts

    >>> label_type_of([1, 0.0], have_types=True), label_type_of(["1", "0"], have_types=True)
    ('int', 'str')
    >>> label_type_of(["1", "0"], have_types=False), label_type_of(["01", "02"], have_types=False)
    ('int', 'str')
    """
    type_of = _type if have_types else _written_type
    found = {type_of(label) for label in labels}
    if found == {"int", "float"}:
        return "float"
    return found.pop() if len(found) == 1 else "str"


def _type(label: Any) -> LabelType:
    if isinstance(label, bool | np.bool_):
        return "bool"
    if isinstance(label, Real):
        return "int" if float(label).is_integer() else "float"
    return "str"


def _written_type(label: Any) -> LabelType:
    if not isinstance(label, str):
        return _type(label)
    word = label.strip()
    if word.casefold() in ("true", "false"):
        return "bool"
    if _WHOLE.fullmatch(word):
        return "int"
    return "float" if _NUMBER.fullmatch(word) and number_of(word) is not None else "str"
