"""Targets: cells of a label or number column become a matrix."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from headstart.core.dataset import FloatArray, IntArray, Notice, Task
from headstart.core.errors import DataError
from headstart.core.tasks import get_task
from headstart.core.tasks.single_label import single_label_task
from headstart.data.label_sets import LIST_TYPES, label_separator, separator_to_use, spaced_notice, split_cell
from headstart.data.labels import check_classes, merge_spellings, sort_labels
from headstart.data.nested_labels import plain_cells
from headstart.data.number_codes import are_codes
from headstart.data.readers.columns import take
from headstart.data.values import is_missing, label_of, number_of
from headstart.data.written_numbers import check_figures, thousands_notice, written_numbers

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_MAX_INTEGER_CLASSES = 20
_N_LISTED = 100


@dataclass(frozen=True, kw_only=True)
class Targets:
    """The targets of the rows that have one.

    Attributes
    ----------
    matrix : shape (n, k), float64: indicators, or one column of numbers
    labels : k names
    labelled : shape (n,), the places of the rows that have a target, rising
    unlabelled : shape (m,), the places of the others
    """

    task: Task
    matrix: FloatArray
    labels: tuple[str, ...]
    labelled: IntArray
    unlabelled: IntArray
    notices: tuple[Notice, ...] = ()


def parse_targets(columns: Mapping[str, Sequence[Any]], ids: Sequence[str], task: str | None) -> Targets:
    """Turn one column of labels or numbers, or several 0/1 columns, into targets.

    Parameters
    ----------
    columns : the target columns, all of length n
    ids : n names of the rows, for messages
    task : the user's word; None to guess

    Raises
    ------
    OptionError
        There is no task of that name.
    DataError
        Every label is missing, there is only one class, or a number cannot be read; the message names the row.
    """
    if task is not None:
        get_task(task)  # an unknown word is refused
    if len(columns) > 1:
        return _from_switches(columns, ids, task)
    [(name, cells)] = columns.items()
    has_target = np.array([not is_missing(cell) for cell in cells], dtype=bool)
    labelled, unlabelled = np.flatnonzero(has_target), np.flatnonzero(~has_target)
    if not len(labelled):
        raise DataError(
            f"column '{name}' has no value in any of {len(cells)} rows; labels were expected. Choose with --target COLUMN."
        )
    names = take(ids, labelled)
    present = plain_cells(take(cells, labelled), names, name)
    chosen, guessed = (task, False) if task else (guess_task(present, name), True)
    if guessed and chosen == "multiclass":
        check_figures(present, names, name)
    parse = {"regression": _numbers, "multilabel": _label_sets}.get(chosen, _classes)
    matrix, labels, notices = parse(present, names, name)
    if chosen == "binary" and len(labels) != 2:
        raise DataError(f"column '{name}' has {len(labels)} classes; a binary task has 2. Use --task multiclass.")
    settled = _binary_or_more(chosen, labels)
    if guessed:
        asked = spaced_notice(present, name) if chosen == "multiclass" else ()
        notices = (_guess_notice(settled, labels, name), *asked, *notices)
    return Targets(
        task=settled, matrix=matrix, labels=labels, labelled=labelled, unlabelled=unlabelled,
        notices=(*notices, *_unlabelled_notice(unlabelled, ids)),
    )  # fmt: skip


def guess_task(cells: Sequence[Any], name: str = "") -> Task:
    """Guess the task from the cells that have a value.

    Numbers, as people write them, are a regression if there are fractions or more than 20 values; unless they look like codes, which
    the column's name has a say in. Cells such as 'a;b' or lists, whose parts come back in other cells, are multi-label; all else are
    classes.

    >>> guess_task(["1.5", "2", "0.3"]), guess_task(["a;b", "b", "a"]), guess_task(["spam", "ham"]), guess_task(["$1,200.50", "$999.00", "$7.25"])
    ('regression', 'multilabel', 'multiclass', 'regression')
    """
    if any(isinstance(cell, LIST_TYPES) for cell in cells):
        return "multilabel"
    counts = Counter(cells)
    written = written_numbers(counts)
    if written is None:
        return "multilabel" if label_separator(counts) else "multiclass"
    numbers = Counter[float]()
    for cell, count in counts.items():
        number = written.read(cell)
        if number is not None:  # a stray word among numbers is an error to be named, not a class
            numbers[number] += count
    whole = all(number.is_integer() for number in numbers)
    few = len(numbers) <= min(_MAX_INTEGER_CLASSES, max(2, len(cells) // 2))
    are_classes = len(numbers) <= 2 or (whole and few and not written.are_amounts) or are_codes(numbers, name)
    return "multiclass" if are_classes else "regression"


def _classes(
    cells: Sequence[Any], ids: Sequence[str], name: str
) -> tuple[FloatArray, tuple[str, ...], tuple[Notice, ...]]:
    spelled, notices = merge_spellings([cell if isinstance(cell, str) else label_of(cell) for cell in cells], name)
    labels = sort_labels(set(spelled))
    notices = (*notices, *check_classes(spelled, ids, name))
    place = {label: column for column, label in enumerate(labels)}
    matrix = np.zeros((len(spelled), len(labels)))
    matrix[np.arange(len(spelled)), [place[label] for label in spelled]] = 1.0
    return matrix, labels, notices


def _label_sets(
    cells: Sequence[Any], _: Sequence[str], name: str
) -> tuple[FloatArray, tuple[str, ...], tuple[Notice, ...]]:
    separator = separator_to_use(cell for cell in cells if isinstance(cell, str))
    sets = [split_cell(cell, separator) for cell in cells]
    flat, notices = merge_spellings([label for labels in sets for label in labels], name)
    labels = sort_labels(set(flat))
    if not labels:
        raise DataError(f"column '{name}' names no label in any row. Write labels as 'a{separator}b'.")
    place = {label: column for column, label in enumerate(labels)}
    matrix = np.zeros((len(sets), len(labels)))
    lengths = [len(one) for one in sets]
    matrix[np.repeat(np.arange(len(sets)), lengths), [place[label] for label in flat]] = 1.0
    return _without_constant(matrix, labels, name, notices)


def _numbers(
    cells: Sequence[Any], ids: Sequence[str], name: str
) -> tuple[FloatArray, tuple[str, ...], tuple[Notice, ...]]:
    written = written_numbers(cells)
    mixed = None if written is None else written.mixed_units()
    if mixed is not None:
        places = sorted(list(map(str, cells)).index(cell) for cell in mixed)
        shown = " and ".join(f"'{cells[place]}' ({ids[place]})" for place in places)
        raise DataError(
            f"column '{name}' holds numbers in more than one unit: {shown}. Write all in one unit, or use --task multiclass."
        )
    values = [number_of(cell) if written is None else written.read(cell) for cell in cells]
    for place, value in enumerate(values):
        if value is None:
            raise DataError(
                f"{ids[place]}: column '{name}' holds '{str(cells[place])[:40]}' where a finite number was expected, such as 1234.5. "
                "Correct it, leave it blank, or use --task multiclass."
            )
    is_plain = written is None or all(number_of(cell) is not None for cell in cells)
    message = "" if is_plain or written is None else f"the numbers in column '{name}' are read {written.said}."
    notices = (Notice(kind="guess", message=message),) if message else thousands_notice(cells, name)
    matrix = np.array(values, dtype=np.float64)[:, None]
    if np.ptp(matrix) == 0:
        raise DataError(f"column '{name}' is {matrix[0, 0]:g} in all {len(cells)} rows: there is nothing to predict. "
                        "Choose another with --target COLUMN.")  # fmt: skip
    return matrix, (name,), notices


def _from_switches(columns: Mapping[str, Sequence[Any]], ids: Sequence[str], task: str | None) -> Targets:
    """Several 0/1 columns, one a label; a row with a blank in any of them has no target."""
    if task not in (None, "multilabel"):
        raise DataError(
            f"{len(columns)} target columns make a multi-label task, not {task}. Name one column as --target."
        )
    switches = np.stack([_switch_column(cells, ids, name) for name, cells in columns.items()], axis=1)
    has_target = ~np.isnan(switches).any(axis=1)
    labelled, unlabelled = np.flatnonzero(has_target), np.flatnonzero(~has_target)
    if not len(labelled):
        raise DataError(f"no row has a value in all of the {len(columns)} target columns. Fill them with 0 or 1.")
    matrix, labels, notices = _without_constant(switches[labelled], tuple(columns), "the targets", ())
    if task is None:
        message = f"the task is multilabel, as there are {len(columns)} target columns of 0 and 1."
        notices = (Notice(kind="guess", message=message), *notices)
    return Targets(
        task="multilabel", matrix=matrix, labels=labels, labelled=labelled, unlabelled=unlabelled,
        notices=(*notices, *_unlabelled_notice(unlabelled, ids)),
    )  # fmt: skip


def _switch_column(cells: Sequence[Any], ids: Sequence[str], name: str) -> FloatArray:
    meaning: dict[str, float] = {"0": 0.0, "1": 1.0, "false": 0.0, "true": 1.0, "no": 0.0, "yes": 1.0}
    value_of = {cell: np.nan if is_missing(cell) else meaning.get(label_of(cell).casefold()) for cell in set(cells)}
    for place, cell in enumerate(cells):
        if value_of[cell] is None:
            raise DataError(
                f"{ids[place]}: column '{name}' holds '{str(cell)[:40]}'; with several target columns each holds 0 or 1. "
                "Correct it or leave the column out of --target."
            )
    return np.array([value_of[cell] for cell in cells], dtype=np.float64)


def _without_constant(
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


def _binary_or_more(task: str, labels: tuple[str, ...]) -> Task:
    return single_label_task(len(labels)).name if get_task(task).is_single_label else task


def _guess_notice(task: Task, labels: tuple[str, ...], name: str) -> Notice:
    shown = ", ".join(f"'{label}'" for label in labels[:4]) + (" …" if len(labels) > 4 else "")
    what = (
        "numbers"
        if task == "regression"
        else f"{len(labels)} {'labels' if task == 'multilabel' else 'classes'}: {shown}"
    )
    return Notice(kind="guess", message=f"the task is {task}, as '{name}' holds {what} (change with --task).")


def _unlabelled_notice(unlabelled: IntArray, ids: Sequence[str]) -> tuple[Notice, ...]:
    if not len(unlabelled):
        return ()
    where = tuple(ids[i] for i in unlabelled[:_N_LISTED])
    rows = "1 row has" if len(unlabelled) == 1 else f"{len(unlabelled)} rows have"
    return (
        Notice(kind="unlabelled", message=f"{rows} no label and are kept apart, the first {where[0]}.", where=where),
    )
