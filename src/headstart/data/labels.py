"""Names of classes: spellings that mean the same, classes that are too small."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from headstart.core.dataset import Notice
from headstart.core.errors import DataError
from headstart.core.label_rule import LabelRule
from headstart.data.values import label_of, number_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from headstart.core.arrays import FloatArray

_MIN_ROWS_PER_CLASS = 2
_WHOLE = re.compile(r"[+-]?\d+(\.0+)?")


@dataclass(frozen=True, kw_only=True)
class TargetOptions:
    """How the cells of a target become labels.

    Attributes
    ----------
    task : the user's word; None to guess
    rule : which spellings are one label, and which words are none
    known : the labels of a model that the targets are for, in its order; others come behind them. Empty where there is none
    are_written : whether cells are texts because all are, as in a CSV file; then `1.0` may be the number 1, beside which a cell was blank
    """

    task: str | None = None
    rule: LabelRule = field(default_factory=LabelRule)
    known: tuple[str, ...] = ()
    are_written: bool = False


GUESS = TargetOptions()
"""Nothing is said: the task is guessed, and spellings join by the usual rule."""


def merge_spellings(
    labels: Sequence[str], name: str, options: TargetOptions = GUESS
) -> tuple[list[str], tuple[Notice, ...]]:
    """Take labels that are one by the rule as one, by the model's spelling or else their commonest.

    Parameters
    ----------
    labels : as they are written
    name : of the column or folder, for the notices

    Examples
    --------
    >>> spelled, notices = merge_spellings(["kiwi", "Kiwi ", "kiwi", "plum"], "label")
    >>> spelled, notices[0].message[:61]
    (['kiwi', 'kiwi', 'kiwi', 'plum'], "in 'label' 'kiwi' (2), 'Kiwi ' (1) are taken as one label, 'k")
    """
    rule = options.rule
    counts = Counter(labels)
    known = {rule.key(label): label for label in options.known} | {label: label for label in options.known}
    switches = rule.switches(map(label_of, counts), options.known)
    spellings: dict[str, list[str]] = {}
    for label in sorted(counts, key=lambda label: (-counts[label], label)):
        plain = label_of(label)
        plain = switches.get(rule.key(plain).casefold(), plain)
        spellings.setdefault(plain if plain in known else rule.key(plain), []).append(label)
    are_whole = options.are_written and all(_WHOLE.fullmatch(label_of(label)) for label in counts)
    chosen = {
        label: known.get(key, rule.plain(label_of(same[0])) if are_whole else label_of(same[0]))
        for key, same in spellings.items()
        for label in same
    }
    notices = tuple(
        _spelling_notice(same, counts, chosen[same[0]], name)
        for key, same in spellings.items()
        if len(same) > 1 or known.get(key, same[0]) != same[0]
    )
    return [chosen[label] for label in labels], notices


def _spelling_notice(same: Sequence[str], counts: Counter[str], chosen: str, name: str) -> Notice:
    shown = ", ".join(f"'{label}' ({counts[label]})" for label in same)
    message = (
        f"in '{name}' {shown} {'are taken as one label' if len(same) > 1 else 'is taken as the label'}, '{chosen}'"
    )
    if len({label_of(label) for label in same}) > len({label_of(label).casefold() for label in same}):
        message += "; --keep-case (keep_case=True) keeps those apart that differ in letter case"
    return Notice(kind="label-spelling", message=f"{message}.", where=tuple(same))


def sort_labels(labels: Iterable[str]) -> tuple[str, ...]:
    """Sort names of classes: numbers by value, then words.

    >>> sort_labels({"10", "9", "b", "a"})
    ('9', '10', 'a', 'b')
    """
    return tuple(sorted(labels, key=_order))


def typed_labels(names: Iterable[Any], rule: LabelRule) -> list[Any]:
    """Give labels, or tuples of them, as the type that they had.

    >>> typed_labels([("1", "2"), ()], LabelRule(type="int"))
    [(1, 2), ()]
    """
    return [tuple(map(rule.value, name)) if isinstance(name, tuple | list) else rule.value(name) for name in names]


def check_classes(
    labels: Sequence[str], ids: Sequence[str], name: str, written: Sequence[str] = ()
) -> tuple[Notice, ...]:
    """Notice classes with one item.

    Parameters
    ----------
    written : the same labels before spellings were joined

    Raises
    ------
    DataError
        There is one class, or nearly every item has its own.
    """
    counts = Counter(labels)
    if len(counts) < 2:
        raise DataError(
            f"'{name}' has one class, '{labels[0]}', in all {len(labels)} items; at least 2 classes are needed. "
            f"{_spellings_of(written)}Add items of another class or choose another target."
        )
    single = {label for label, count in counts.items() if count < _MIN_ROWS_PER_CLASS}
    if len(counts) - len(single) < 2:
        raise DataError(
            f"'{name}' has {len(counts)} classes, but fewer than 2 of them have {_MIN_ROWS_PER_CLASS} items or more "
            f"({len(labels)} items in all). Add items to each class, or choose another target."
        )
    if len(single) > 0.5 * len(labels):
        raise DataError(
            f"'{name}' looks like an id or a free text: {len(counts)} values in {len(labels)} rows. "
            "Choose another target with --target COLUMN."
        )
    notices = []
    for place, label in enumerate(labels):
        if label in single:
            message = (
                f"class '{label}' has only 1 item ({ids[place]}): it cannot be tested. Add items or merge the class."
            )
            notices.append(Notice(kind="small-class", message=message, where=(ids[place],)))
    return tuple(notices)


def without_constant(
    matrix: FloatArray, labels: tuple[str, ...], name: str, notices: tuple[Notice, ...]
) -> tuple[FloatArray, tuple[str, ...], tuple[Notice, ...]]:
    """Leave out labels that every row has, or none: nothing can be learned about them."""
    varies = np.ptp(matrix, axis=0) > 0
    if not varies.any():
        raise DataError(f"no label of {name} differs between the rows: there is nothing to predict.")
    order = np.array(sorted(np.flatnonzero(varies), key=lambda column: labels[column]))
    constant = [label for label, varied in zip(labels, varies, strict=True) if not varied]
    if constant:
        shown = ", ".join(f"'{label}'" for label in constant[:5])
        message = f"left out, being the same in every row: {shown}."
        notices = (*notices, Notice(kind="constant-label", message=message, where=tuple(constant)))
    return matrix[:, order], tuple(labels[column] for column in order), notices


def _spellings_of(written: Sequence[str]) -> str:
    """A sentence on the spellings of the one class, if there are several."""
    spellings = dict.fromkeys(label_of(label) for label in written)
    if len(spellings) < 2:
        return ""
    return f"{', '.join(map(repr, spellings))} are one label; keep those apart with --keep-case (keep_case=True). "


def _order(label: str) -> tuple[bool, float, str]:
    number = number_of(label)
    return number is None, number or 0.0, label
