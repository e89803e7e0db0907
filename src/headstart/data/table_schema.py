"""Which columns of a table are read as fields of its rows, and as what."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from headstart.core.dataset import Field, Notice
from headstart.core.errors import DataError, OptionError, unknown_name
from headstart.core.words import listed_words
from headstart.data.column_kinds import COMES_BACK, IGNORED, ColumnKind, are_words, is_prose, kind_of
from headstart.data.column_names import find_column, rank
from headstart.data.input_guess import modality_of
from headstart.data.modalities import get_modality, modality_names
from headstart.data.shown_names import visible
from headstart.data.values import number_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence
    from pathlib import Path

ALL = "all"
"""What the user says as the input where all columns are to be read."""

_MOST_FIELDS = 2_000
_TIME_NAMES = ("time", "date", "timestamp", "datetime", "day", "month", "year", "week")
_N_SHOWN = 8
_N_DOUBTS = 4
_SPELLINGS = {"id": IGNORED, "none": IGNORED, "drop": IGNORED, "string": "category", "str": "category", "float": "number",
    "int": "number", "numeric": "number", "datetime": "date", "time": "date", "bool": "category", "categorical": "category"}  # fmt: skip


def wanted_kinds(columns: str | Mapping[str, str] | None, known: Collection[str]) -> dict[str, str]:
    """Read what the user says of columns: 'age:number,zip:category', or the same as a dict.

    Raises
    ------
    OptionError
        There is no such column, or no such kind.

    >>> wanted_kinds("Age:number, zip:id", ["age", "zip"])
    {'age': 'number', 'zip': 'ignore'}
    """
    if columns is None:
        return {}
    pairs = columns.items() if isinstance(columns, Mapping) else [_pair(word) for word in listed_words(columns)]
    found: dict[str, str] = {}
    for name, kind in pairs:
        column = find_column(known, str(name), "columns")
        plain = str(kind).strip().casefold()
        plain = _SPELLINGS.get(plain, plain)
        kinds = [*modality_names(), IGNORED]
        if plain not in kinds:
            raise unknown_name(f"kind of column (for '{visible(str(name))}')", str(kind), kinds)
        assert column is not None
        found[column] = plain
    return found


def _pair(word: str) -> tuple[str, str]:
    name, colon, kind = word.rpartition(":")
    if not colon:
        raise OptionError(f"--columns takes a kind for each column, such as age:number,zip:category, got '{word}'.")
    return name.strip(), kind


def kinds_of(
    sample: Mapping[str, Sequence[Any]], columns: Iterable[str], wanted: Mapping[str, str], folder: Path | None
) -> dict[str, ColumnKind]:
    """Give the kind of each column: what the user said, or else a guess."""
    guessed = {name: kind_of(sample[name], name, folder) for name in columns}
    return {
        name: kind if name not in wanted else kind if kind.kind == wanted[name] else ColumnKind(wanted[name])
        for name, kind in guessed.items()
    }


def given_fields(
    sample: Mapping[str, Sequence[Any]], chosen: Sequence[str], wanted: Mapping[str, str], folder: Path | None
) -> tuple[Field, ...]:
    """Give the fields that the user named; strings are categories only beside others and where they are words, and never set aside.

    >>> [field.modality for field in given_fields({"age": [1.5, 2.5], "note": ["a", "b"]}, ["age", "note"], {}, None)]
    ['number', 'category']
    """
    fields = []
    for column, kind in kinds_of(sample, chosen, wanted, folder).items():
        is_category = kind.kind == "category" and len(chosen) > 1 and are_words(sample[column])
        is_sure = column in wanted or kind.kind in ("number", "date") or is_category
        fields.append(
            Field(column, kind.kind, kind.written) if is_sure else Field(column, modality_of(sample[column], folder))
        )
    return tuple(fields)


def fields_of(kinds: Mapping[str, ColumnKind], name: str) -> tuple[Field, ...]:
    """Give the fields of a table's rows.

    Raises
    ------
    DataError
        No column can be read, or too many.
    """
    fields = tuple(Field(column, kind.kind, kind.written) for column, kind in kinds.items() if kind.kind != IGNORED)
    if not fields:
        if not kinds:
            raise DataError(
                f"'{name}' has no column to learn from: there is none beside the target. Add the columns that the answer depends on."
            )
        raise DataError(
            f"'{name}' has no column to learn from ({_ignored(kinds)}). Choose one as --columns NAME:category."
        )
    if len(fields) > _MOST_FIELDS:
        raise DataError(
            f"'{name}' has {len(fields):,} columns that could be read; at most {_MOST_FIELDS:,} are. Choose some with --input, or make "
            "fewer of them before."
        )
    return fields


def is_pure_table(
    sample: Mapping[str, Sequence[Any]], text: str | None, others: Mapping[str, ColumnKind], n_targets: int
) -> bool:
    """Whether rows are to be read as a whole, and not the texts of one column.

    Parameters
    ----------
    text : the column that would be read as texts; None where there is none
    others : the kinds of the other columns
    n_targets : how many of these are still needed as targets
    """
    tabular = [column for column, kind in others.items() if kind.kind != IGNORED and get_modality(kind.kind).is_tabular]
    if len(tabular) <= n_targets:
        return False
    if text is None:
        return True
    cells = sample[text]
    names = get_modality("text").column_names
    is_called_so = rank(text, names) < len(names) and len({str(cell) for cell in cells}) > max(20, len(cells) // 50)
    return not (is_called_so or is_prose(cells))


def table_notice(kinds: Mapping[str, ColumnKind]) -> Notice:
    """Say as what the columns of a table are read, and which are not."""
    read: dict[str, list[str]] = {}
    for name, kind in kinds.items():
        if kind.kind != IGNORED:
            read.setdefault(kind.kind, []).append(name)
    said = "; ".join(f"{_names(names)} ({_noun(kind, len(names))})" for kind, names in read.items())
    n_read = sum(map(len, read.values()))
    ignored = _ignored(kinds)
    message = f"{n_read} column{'s are' if n_read > 1 else ' is'} read: {said}." + (
        f" Not read: {ignored}." if ignored else ""
    )
    doubts = [f"'{visible(name)}' {kind.why}" for name, kind in kinds.items() if kind.kind != IGNORED and kind.why]
    doubtful = f" Look at {'; '.join(doubts[:_N_DOUBTS])}{' …' if len(doubts) > _N_DOUBTS else ''}." if doubts else ""
    return Notice(kind="guess", message=f"{message}{doubtful} Change with --columns NAME:KIND.", where=tuple(kinds))


def unread_notice(kinds: Mapping[str, ColumnKind]) -> tuple[Notice, ...]:
    """Say which columns are not read beside the one that is."""
    names = [name for name, kind in kinds.items() if kind.kind != IGNORED]
    if not names:
        return ()
    plural = "s" if len(names) > 1 else ""
    message = (
        f"column{plural} {_names(names)} {'are' if plural else 'is'} not read; --input all reads every usable column."
    )
    return (Notice(kind="unread", message=message, where=tuple(names)),)


def propose(
    kinds: Mapping[str, ColumnKind], sample: Mapping[str, Sequence[Any]], targets: Collection[str]
) -> tuple[Notice, ...]:
    """Propose the columns by which the rows of a table should be parted: a time, and what comes back in several rows."""
    found = []
    others = {name: kind for name, kind in kinds.items() if name not in targets}
    time = next(
        (name for name, kind in others.items() if kind.kind == "date" or _rises(name, kind, sample[name])), None
    )
    if time is not None:
        found.append(
            f"column '{visible(time)}' looks like a time: --time {_word(time)} judges on the latest rows; random splits may choose the wrong "
            "model where later rows are to be predicted."
        )
    group = next((name for name, kind in others.items() if kind.why == COMES_BACK), None)
    if group is not None:
        found.append(
            f"column '{visible(group)}' names what comes back in several rows: --group {_word(group)} keeps its rows on one side of every "
            "split; random splits may choose the wrong model where others are to be predicted."
        )
    return tuple(Notice(kind="proposal", message=message) for message in found)


def _rises(name: str, kind: ColumnKind, cells: Sequence[Any]) -> bool:
    """Whether a column of numbers is called like a time, and never falls."""
    if kind.kind != "number" or rank(name, _TIME_NAMES) == len(_TIME_NAMES):
        return False
    numbers = [number for cell in cells if (number := number_of(cell)) is not None]
    return len(set(numbers)) > 2 and all(before <= after for before, after in pairwise(numbers))


def _word(name: str) -> str:
    return shlex.quote(name)


def _noun(kind: str, n: int) -> str:
    modality = get_modality(kind)
    return modality.singular if n == 1 else modality.plural


def _names(names: Sequence[str]) -> str:
    more = f" and {len(names) - _N_SHOWN} more" if len(names) > _N_SHOWN else ""
    return ", ".join(f"'{visible(name)}'" for name in names[:_N_SHOWN]) + more


def _ignored(kinds: Mapping[str, ColumnKind]) -> str:
    reasons: dict[str, list[str]] = {}
    for name, kind in kinds.items():
        if kind.kind == IGNORED:
            reasons.setdefault(kind.why or "as you said", []).append(name)
    return "; ".join(f"{_names(names)} ({why})" for why, names in reasons.items())
