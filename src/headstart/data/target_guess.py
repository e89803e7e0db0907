"""Guess which columns of a table are the targets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from headstart.core.errors import DataError
from headstart.data.column_names import listed, rank
from headstart.data.values import is_missing, label_of, number_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

TARGET_NAMES = ("label", "labels", "target", "class", "category", "y", "sentiment", "topic", "tags", "tag", "intent",
    "product", "score", "rating", "stars", "species", "spam", "outcome", "type", "answer", "price")  # fmt: skip

_TABLE_TARGETS = (*TARGET_NAMES, "survived", "churn", "churned", "exited", "fraud", "default", "diagnosis", "attrition")
_MAX_CLASSES = 1_000
_MIN_LABEL_COLUMNS = 3


def guess_targets(
    sample: Mapping[str, list[Any]], candidates: Sequence[str], unsure: Sequence[str], name: str
) -> tuple[str, ...]:
    """Choose the targets by their names, else by their cells; columns that may be something else are left for last."""
    known = [column for column in candidates if rank(column, TARGET_NAMES) < len(TARGET_NAMES)]
    if known:
        return (min(known, key=lambda column: rank(column, TARGET_NAMES)),)
    switches = [column for column in candidates if _is_switch(sample[column])]
    if len(switches) >= _MIN_LABEL_COLUMNS:
        return tuple(switches)
    likely = [column for column in candidates if looks_like_target(sample[column])]
    sure = [column for column in likely if column not in unsure]
    if likely:
        return ((sure or likely)[-1],)  # tables mostly end with what is to be predicted
    raise DataError(
        f"'{name}' has no column that looks like a label or a number to predict (columns: {listed(sample)}). "
        "Name it with --target COLUMN."
    )


def looks_like_target(cells: Sequence[Any]) -> bool:
    """Whether cells could be labels, or numbers to predict."""
    present = [cell for cell in cells if not is_missing(cell)]
    if not present or isinstance(present[0], list | tuple):
        return bool(present)
    labels = {label_of(cell) for cell in present}
    if len(labels) < 2:
        return False
    numbers = [number_of(cell) for cell in present]
    if None not in numbers:
        return len(labels) < len(present) or any(number != int(number) for number in numbers if number is not None)
    return len(labels) <= min(_MAX_CLASSES, max(2, len(present) // 2))


def _is_switch(cells: Sequence[Any]) -> bool:
    present = {label_of(cell) for cell in cells if not is_missing(cell)}
    return bool(present) and present <= {"0", "1", "True", "False", "true", "false"}


def guess_table_target(sample: Mapping[str, list[Any]], candidates: Sequence[str], name: str) -> str:
    """Choose the one target of a table whose rows are read as a whole; its switches may well be inputs.

    Raises
    ------
    DataError
        No column looks like one.
    """
    known = [column for column in candidates if rank(column, _TABLE_TARGETS) < len(_TABLE_TARGETS)]
    if known:
        return min(known, key=lambda column: rank(column, _TABLE_TARGETS))
    return guess_targets(sample, [one for one in candidates if looks_like_target(sample[one])][-1:], (), name)[0]
