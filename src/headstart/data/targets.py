"""Targets: cells of a label or number column become a matrix."""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from headstart.core.dataset import FloatArray, IntArray, Notice, Task
from headstart.core.errors import DataError
from headstart.core.tasks import get_task
from headstart.core.tasks.single_label import single_label_task
from headstart.data.known_labels import in_known_order
from headstart.data.label_types import label_type_of
from headstart.data.labels import GUESS, TargetOptions, check_classes, merge_spellings, sort_labels, without_constant
from headstart.data.missing_labels import find_missing, unlabelled_notice
from headstart.data.readers.columns import take
from headstart.data.switches import read_switches
from headstart.data.values import decimal_comma_number, is_blank, label_of, number_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from headstart.core.label_rule import LabelRule

_SEPARATORS = (";", "|")
_MAX_INTEGER_CLASSES = 20
_NUMERIC = 0.9


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
    present = take(cells, labelled)
    parsed = _parse(present, take(ids, labelled), name, options)
    if parsed.task == "binary" and len(parsed.labels) != 2 and not options.known:
        raise DataError(
            f"column '{name}' has {len(parsed.labels)} classes; a binary task has 2. Use --task multiclass."
        )
    task = _binary_or_more(parsed.task, parsed.labels)
    guess = () if options.task else (_guess_notice(task, parsed.labels, name),)
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
    """The targets of one column, and the cells that name its labels."""

    task: Task
    matrix: FloatArray
    labels: tuple[str, ...]
    notices: tuple[Notice, ...]
    cells: Sequence[Any] = ()


def _parse(cells: Sequence[Any], ids: Sequence[str], name: str, options: TargetOptions) -> _Parsed:
    task = options.task or guess_task(cells)
    spec = get_task(task)
    if not spec.has_probabilities:
        return _Parsed(task, *_numbers(cells, ids, name))
    if not spec.is_multi_label:
        return _Parsed(task, *_classes(cells, ids, name, options), cells)
    sets = _split_cells(cells)
    named = [label for labels in sets for label in labels]
    return _Parsed(task, *_label_sets(sets, ids, name, options), named)


def guess_task(cells: Sequence[Any]) -> Task:
    """Guess the task from the cells that have a value.

    Numbers are a regression if there are fractions or more than 20 values; cells such as 'a;b' or lists, whose parts
    come back in other cells, are multi-label; all else are classes.

    >>> guess_task(["1.5", "2", "0.3"]), guess_task(["a;b", "b", "a"]), guess_task(["spam", "ham"])
    ('regression', 'multilabel', 'multiclass')
    """
    if any(isinstance(cell, list | tuple | set | frozenset | np.ndarray) for cell in cells):
        return "multilabel"
    counts = Counter(cells)
    distinct = {number for cell in counts if (number := number_of(cell)) is not None}
    whole = all(number.is_integer() for number in distinct)
    few = len(distinct) <= min(_MAX_INTEGER_CLASSES, max(2, len(cells) // 2))
    if len(distinct) >= _NUMERIC * len(counts):  # a stray word among numbers is an error to be named, not a class
        return "multiclass" if (whole and few) or len(distinct) <= 2 else "regression"
    if _has_decimal_commas(counts):
        return "regression"
    return "multilabel" if _label_separator(counts) else "multiclass"


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
    notices: tuple[Notice, ...] = ()
    read: Callable[[Any], float | None] = number_of
    if _has_decimal_commas(Counter(cells)):
        read = decimal_comma_number
        message = f"the numbers in column '{name}' are read with a decimal comma."
        notices = (Notice(kind="guess", message=message),)
    values = [read(cell) for cell in cells]
    for place, value in enumerate(values):
        if value is None:
            raise DataError(
                f"{ids[place]}: column '{name}' holds '{str(cells[place])[:40]}' where a finite number was expected. "
                "Correct it, leave it blank, name it with --missing if it means that there is none, or choose another "
                "--target or --task."
            )
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


def _split_cells(cells: Sequence[Any]) -> list[list[Any]]:
    """The labels of each cell, as they are."""
    strings = Counter(cell for cell in cells if isinstance(cell, str))
    separator = _label_separator(strings) or next((s for s in (*_SEPARATORS, ",") if any(s in c for c in strings)), ";")
    return [_split_cell(cell, separator) for cell in cells]


def _split_cell(cell: Any, separator: str) -> list[Any]:
    if not isinstance(cell, str):
        parts: Iterable[Any] = cell if isinstance(cell, list | tuple | set | frozenset | np.ndarray) else [cell]
    elif cell.lstrip().startswith("["):
        parts = _json_list(cell)
    else:
        parts = cell.split(separator)
    return list({label_of(part): part for part in parts if not is_blank(part)}.values())


def _json_list(cell: str) -> list[Any]:
    try:
        parts = json.loads(cell)
    except json.JSONDecodeError:
        parts = re.findall(r"['\"](.*?)['\"]", cell)  # a Python list written out
    return parts if isinstance(parts, list) else [parts]


def _label_separator(counts: Mapping[Any, int]) -> str | None:
    """Find the separator whose parts come back in other cells; prose or 'TCP;IP' alone has none."""
    cells = [cell for cell in counts if isinstance(cell, str)]
    if cells and all(cell.lstrip().startswith("[") for cell in cells):
        return ";"
    for separator in _SEPARATORS:
        joined = [cell for cell in cells if separator in cell]
        if not joined:
            continue
        parts = Counter(label_of(part) for cell in cells for part in _split_cell(cell, separator))
        shared = [
            np.mean([float(parts[label_of(part)] > 1) for part in _split_cell(cell, separator)] or [0.0])
            for cell in joined
        ]
        if np.mean(shared) >= 0.5 and max(map(len, parts), default=0) < 100:
            return separator
    return None


def _has_decimal_commas(counts: Mapping[Any, int]) -> bool:
    """Whether all are numbers once commas are read as points, and they cannot be thousands ('1,000')."""
    commas = [cell for cell in counts if isinstance(cell, str) and "," in cell]
    return (
        bool(commas)
        and all(decimal_comma_number(cell) is not None for cell in counts)
        and not all(re.fullmatch(r"\s*-?\d{1,3},\d{3}\s*", cell) for cell in commas)
    )


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
