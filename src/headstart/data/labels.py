"""Names of classes: spellings that mean the same, classes that are too small."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from headstart.core.dataset import Notice
from headstart.core.errors import DataError
from headstart.data.values import label_of, number_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_MIN_ROWS_PER_CLASS = 2


def merge_spellings(labels: Sequence[str], name: str) -> tuple[list[str], tuple[Notice, ...]]:
    """Take labels that differ in letter case or spaces alone as one, by their commonest spelling.

    Parameters
    ----------
    labels : as they are written
    name : of the column or folder, for the notices

    Examples
    --------
    >>> spelled, notices = merge_spellings(["kiwi", "Kiwi ", "kiwi", "plum"], "label")
    >>> spelled, notices[0].message
    (['kiwi', 'kiwi', 'kiwi', 'plum'], "in 'label' 'kiwi' (2), 'Kiwi ' (1) are taken as one label, 'kiwi'.")
    """
    counts = Counter(labels)
    spellings: dict[str, list[str]] = {}
    for label in sorted(counts, key=lambda label: (-counts[label], label)):
        spellings.setdefault(label_of(label).casefold(), []).append(label)
    chosen = {label: label_of(same[0]) for same in spellings.values() for label in same}
    notices = []
    for same in spellings.values():
        if len(same) > 1:
            shown = ", ".join(f"'{label}' ({counts[label]})" for label in same)
            message = f"in '{name}' {shown} are taken as one label, '{chosen[same[0]]}'."
            notices.append(Notice(kind="label-spelling", message=message, where=tuple(same)))
    return [chosen[label] for label in labels], tuple(notices)


def sort_labels(labels: Iterable[str]) -> tuple[str, ...]:
    """Sort names of classes: numbers by value, then words.

    >>> sort_labels({"10", "9", "b", "a"})
    ('9', '10', 'a', 'b')
    """
    return tuple(sorted(labels, key=_order))


def check_classes(labels: Sequence[str], ids: Sequence[str], name: str) -> tuple[Notice, ...]:
    """Notice classes with one item.

    Raises
    ------
    DataError
        There is one class, or nearly every item has its own.
    """
    counts = Counter(labels)
    if len(counts) < 2:
        raise DataError(
            f"'{name}' has one class, '{labels[0]}', in all {len(labels)} items; at least 2 classes are needed. "
            "Add items of another class or choose another target."
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


def _order(label: str) -> tuple[bool, float, str]:
    number = number_of(label)
    return number is None, number or 0.0, label
