"""Targets: cells of a label or number column become a matrix."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from headstart.core.dataset import FloatArray, IntArray, Notice, Task
from headstart.core.errors import DataError
from headstart.core.tasks import get_task
from headstart.core.tasks.single_label import single_label_task
from headstart.data.known_labels import in_known_order
from headstart.data.label_sets import LIST_TYPES, label_separator, separator_to_use, spaced_notice, split_cell
from headstart.data.label_types import label_type_of
from headstart.data.labels import GUESS, TargetOptions, check_classes, merge_spellings, sort_labels, without_constant
from headstart.data.missing_labels import find_missing, unlabelled_notice
from headstart.data.nested_labels import plain_cells
from headstart.data.number_codes import are_codes
from headstart.data.readers.columns import take
from headstart.data.switches import read_switches
from headstart.data.values import label_of, number_of
from headstart.data.written_numbers import check_figures, thousands_notice, written_numbers

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from headstart.core.label_rule import LabelRule

_MAX_INTEGER_CLASSES = 20


@dataclass(frozen=True, kw_only=True)
class Targets:
    """The targets of the rows that have one.

    Attributes
    ----------
    matrix : shape (n, k), float64: indicators, or one column of numbers
    labels : k names
    rule : how cells were read as labels, and of which type they were
    labelled : shape (n,), the places of the rows that have a target, rising
    unlabelled : shape (m,), the places of the others
    """

    task: Task
    matrix: FloatArray
    labels: tuple[str, ...]
    rule: LabelRule
    labelled: IntArray
    unlabelled: IntArray
    notices: tuple[Notice, ...] = ()


def parse_targets(
    columns: Mapping[str, Sequence[Any]],
    ids: Sequence[str],
    options: TargetOptions = GUESS,
    *,
    have_types: bool = True,
) -> Targets:
    """Turn one column of labels or numbers, or several 0/1 columns, into targets.

    Parameters
    ----------
    columns : the target columns, all of length n
    ids : n names of the rows, for messages
    options : the user's word for the task, and how cells are read as labels
    have_types : whether the cells have types of their own, as those of a CSV file do not

    Raises
    ------
    OptionError
        There is no task of that name.
    DataError
        Every label is missing, there is only one class, or a number cannot be read; the message names the row.
    """
    options = replace(options, are_written=not have_types)
    if options.task is not None:
        get_task(options.task)  # an unknown word is refused
    if len(columns) > 1:
        return _from_switches(columns, ids, options)
    [(name, cells)] = columns.items()
    is_missing, words = find_missing(cells, options.rule.missing, name, options.known)
    labelled, unlabelled = np.flatnonzero(~is_missing), np.flatnonzero(is_missing)
    if not len(labelled):
        raise DataError(
            f"column '{name}' has no value in any of {len(cells)} rows; labels were expected. Choose with --target COLUMN."
        )
    rows = take(ids, labelled)
    present = plain_cells(take(cells, labelled), rows, name)
    parsed = _parse(present, rows, name, options)
    if parsed.task == "binary" and len(parsed.labels) != 2 and not options.known:
        raise DataError(
            f"column '{name}' has {len(parsed.labels)} classes; a binary task has 2. Use --task multiclass."
        )
    task = _binary_or_more(parsed.task, parsed.labels)
    guess = () if options.task else (_guess_notice(task, parsed.labels, name), *parsed.doubts)
    return Targets(
        task=task,
        matrix=parsed.matrix,
        labels=parsed.labels,
        rule=replace(options.rule, type=label_type_of(parsed.cells, have_types=have_types)),
        labelled=labelled,
        unlabelled=unlabelled,
        notices=(*guess, *words, *parsed.notices, *unlabelled_notice(unlabelled, ids, cells)),
    )


@dataclass(frozen=True)
class _Parsed:
    """The targets of one column, the cells that name its labels, and what may be otherwise than guessed."""

    task: Task
    matrix: FloatArray
    labels: tuple[str, ...]
    notices: tuple[Notice, ...]
    cells: Sequence[Any] = ()
    doubts: tuple[Notice, ...] = ()


def _parse(cells: Sequence[Any], ids: Sequence[str], name: str, options: TargetOptions) -> _Parsed:
    task = options.task or guess_task(cells, name)
    spec = get_task(task)
    if not spec.has_probabilities:
        return _Parsed(task, *_numbers(cells, ids, name))
    if not spec.is_multi_label:
        if options.task is None:
            check_figures(cells, ids, name)
        doubts = () if options.task else spaced_notice(cells, name)
        return _Parsed(task, *_classes(cells, ids, name, options), cells, doubts)
    separator = separator_to_use(cell for cell in cells if isinstance(cell, str))
    sets = [split_cell(cell, separator) for cell in cells]
    named = [label for labels in sets for label in labels]
    return _Parsed(task, *_label_sets(sets, ids, name, options), named)


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
    cells: Sequence[Any], ids: Sequence[str], name: str, options: TargetOptions
) -> tuple[FloatArray, tuple[str, ...], tuple[Notice, ...]]:
    written = [cell if isinstance(cell, str) else label_of(cell) for cell in cells]
    spelled, notices = merge_spellings(written, name, options)
    labels = sort_labels(set(spelled))
    if not options.known:
        notices = (*notices, *check_classes(spelled, ids, name, written))
    place = {label: column for column, label in enumerate(labels)}
    matrix = np.zeros((len(spelled), len(labels)))
    matrix[np.arange(len(spelled)), [place[label] for label in spelled]] = 1.0
    return in_known_order(matrix, labels, options.known, ids, name=name, notices=notices)


def _label_sets(
    sets: Sequence[Sequence[Any]], ids: Sequence[str], name: str, options: TargetOptions
) -> tuple[FloatArray, tuple[str, ...], tuple[Notice, ...]]:
    flat, notices = merge_spellings([label_of(label) for labels in sets for label in labels], name, options)
    labels = sort_labels(set(flat))
    if not labels:
        raise DataError(f"column '{name}' names no label in any row. Write labels as 'a;b'.")
    place = {label: column for column, label in enumerate(labels)}
    matrix = np.zeros((len(sets), len(labels)))
    lengths = [len(one) for one in sets]
    matrix[np.repeat(np.arange(len(sets)), lengths), [place[label] for label in flat]] = 1.0
    if options.known:
        return in_known_order(matrix, labels, options.known, ids, name=name, notices=notices)
    return without_constant(matrix, labels, name, notices)


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
                "Correct it, leave it blank, name it with --missing if it means that there is none, or choose another "
                "--target or --task."
            )
    is_plain = written is None or all(number_of(cell) is not None for cell in cells)
    message = "" if is_plain or written is None else f"the numbers in column '{name}' are read {written.said}."
    notices = (Notice(kind="guess", message=message),) if message else thousands_notice(cells, name)
    matrix = np.array(values, dtype=np.float64)[:, None]
    if np.ptp(matrix) == 0:
        raise DataError(f"column '{name}' is {matrix[0, 0]:g} in all {len(cells)} rows: there is nothing to predict. "
                        "Choose another with --target COLUMN.")  # fmt: skip
    return matrix, (name,), notices


def _from_switches(columns: Mapping[str, Sequence[Any]], ids: Sequence[str], options: TargetOptions) -> Targets:
    """Several 0/1 columns, one a label; a row with a blank in any of them has no target."""
    if options.task not in (None, "multilabel"):
        raise DataError(
            f"{len(columns)} target columns make a multi-label task, not {options.task}. Name one column as --target."
        )
    switches = read_switches(columns, ids)
    has_target = ~np.isnan(switches).any(axis=1)
    labelled, unlabelled = np.flatnonzero(has_target), np.flatnonzero(~has_target)
    if not len(labelled):
        raise DataError(f"no row has a value in all of the {len(columns)} target columns. Fill them with 0 or 1.")
    if options.known:
        named, _ = merge_spellings(tuple(columns), "the targets", options)
        part = in_known_order(switches[labelled], named, options.known, take(ids, labelled), name="the targets")
    else:
        part = without_constant(switches[labelled], tuple(columns), "the targets", ())
    matrix, labels, notices = part
    if options.task is None:
        message = f"the task is multilabel, as there are {len(columns)} target columns of 0 and 1."
        notices = (Notice(kind="guess", message=message), *notices)
    return Targets(
        task="multilabel", matrix=matrix, labels=labels, rule=options.rule, labelled=labelled, unlabelled=unlabelled,
        notices=(*notices, *unlabelled_notice(unlabelled, ids)),
    )  # fmt: skip


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
