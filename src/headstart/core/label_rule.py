"""LabelRule: which spellings are one label, which words are none, and what labels are in Python."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Literal, get_args

if TYPE_CHECKING:
    from collections.abc import Iterable

LabelType = Literal["str", "int", "float", "bool"]
"""What a label is in Python; its name, in reports and files and over HTTP, is always a text."""

_SWITCHES = (("0", "1"), ("false", "true"))
_WHOLE_NUMBER = re.compile(r"([+-]?\d+)\.0+")


@dataclass(frozen=True, kw_only=True)
class LabelRule:
    """How cells are read as labels; a model keeps it, so that labels mean the same wherever they come from.

    `1`, `1.0` and the text `1` are one label, as are `True`, `TRUE` and `true`; `1` and `True` are two within one column. Only where a
    model knows true and false alone, 0 and 1 in data that holds nothing else are these, and the other way round.

    Attributes
    ----------
    keep_case : whether labels that differ in letter case alone are two
    missing : words that mean that an item has no label, besides blank cells; None for the usual ones
    type : what all labels are in Python

    Examples
    --------
    >>> rule = LabelRule(type="int")
    >>> rule.key("Kiwi") == rule.key("KIWI"), rule.key("1.0"), rule.value("1")
    (True, '1', 1)
    """

    keep_case: bool = False
    missing: tuple[str, ...] | None = None
    type: LabelType = "str"

    def __post_init__(self) -> None:
        if self.type not in get_args(LabelType):
            raise ValueError(f"labels are one of {', '.join(get_args(LabelType))}, not '{self.type}'.")

    def key(self, name: str) -> str:
        """Give what equal labels have in common: `1.0` is `1`, and letter case counts only if it is kept.

        Parameters
        ----------
        name : as `headstart.data.values.label_of` writes a cell
        """
        whole = _WHOLE_NUMBER.fullmatch(name)
        name = whole[1] if whole else name
        return name if self.keep_case else name.casefold()

    def plain(self, name: str) -> str:
        """Write a whole number without the fraction that it has where a blank made its column one of fractions.

        >>> LabelRule().plain("1.0"), LabelRule().plain("1.5")
        ('1', '1.5')
        """
        return _WHOLE_NUMBER.sub(r"\1", name)

    def switches(self, labels: Iterable[str], known: Iterable[str]) -> dict[str, str]:
        """Give the labels of a model that 0 and 1 stand for where it knows true and false alone, or the other way round, by their keys.

        >>> LabelRule().switches(["0", "1.0"], ["False", "True"]), LabelRule().switches(["0", "2"], ["False", "True"])
        ({'0': 'False', '1': 'True'}, {})
        """
        keys = {self.key(label).casefold() for label in labels}
        names = {self.key(name).casefold(): name for name in known}
        for ours, theirs in (_SWITCHES, _SWITCHES[::-1]):
            if keys and keys <= {*ours} and set(names) == {*theirs}:
                return {key: names[name] for key, name in zip(ours, theirs, strict=True)}
        return {}

    def value(self, name: str) -> str | int | float | bool:
        """Give the label of that name as the type that it had."""
        if self.type == "bool":
            return name.casefold() == "true"
        if self.type == "int":
            return _whole(name)
        return float(name) if self.type == "float" else name


@lru_cache(maxsize=4096)  # labels are few, and of one row reading its label would be a twentieth of the time
def _whole(name: str) -> int:
    return int(_WHOLE_NUMBER.sub(r"\1", name))
