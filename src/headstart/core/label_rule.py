"""LabelRule: which spellings are one label, which words are none, and what labels are in Python."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal, get_args

LabelType = Literal["str", "int", "float", "bool"]
"""What a label is in Python; its name, in reports and files and over HTTP, is always a text."""

_WHOLE_NUMBER = re.compile(r"([+-]?\d+)\.0+")


@dataclass(frozen=True, kw_only=True)
class LabelRule:
    """How cells are read as labels; a model keeps it, so that labels mean the same wherever they come from.

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

    def value(self, name: str) -> str | int | float | bool:
        """Give the label of that name as the type that it had."""
        if self.type == "bool":
            return name.casefold() == "true"
        if self.type == "int":
            return int(_WHOLE_NUMBER.sub(r"\1", name))
        return float(name) if self.type == "float" else name
