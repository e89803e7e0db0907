"""Guess which column is the input, the target, the split; and say what was guessed."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, NamedTuple

from headstart.core.dataset import ROW, Field, Notice
from headstart.core.errors import DataError, OptionError
from headstart.data.column_names import find_column, find_columns
from headstart.data.input_guess import guess_input, modality_of
from headstart.data.modalities import item_modalities, modality_of_fields
from headstart.data.nested_cells import check_plain
from headstart.data.splits import is_split_column, may_divide
from headstart.data.table_schema import (
    ALL,
    fields_of,
    given_fields,
    is_pure_table,
    kinds_of,
    propose,
    table_notice,
    unread_notice,
    wanted_kinds,
)
from headstart.data.target_guess import guess_table_target, guess_targets
from headstart.data.values import number_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from headstart.data.column_kinds import ColumnKind
    from headstart.data.modalities import Modality

NO_SPLIT = "none"
"""What the user says where a column that looks like a division is none."""

_PROSE_WORDS = 4  # a cell of as many is rather a sentence than a name


@dataclass(frozen=True, kw_only=True)
class ColumnSchema:
    """Which column plays which part.

    Attributes
    ----------
    inputs : one column, or several of rows, each with its modality
    targets : one column, or several 0/1 columns of a multi-label task
    folder : where relative paths in cells start; None in memory
    guesses : the parts that were guessed, with the setting that overrides each
    droppable : inputs of a table that nobody named: such a column may be set aside
    kinds : of the columns of a table that is read as a whole, but for the targets
    """

    inputs: tuple[Field, ...]
    targets: tuple[str, ...]
    group: str | None = None
    time: str | None = None
    split: str | None = None
    folder: Path | None = None
    guesses: tuple[Notice, ...] = ()
    droppable: frozenset[str] = frozenset()
    kinds: Mapping[str, ColumnKind] = field(default_factory=dict)

    @property
    def notices(self) -> tuple[Notice, ...]:
        """What was guessed, and as what the columns of a table are read."""
        return (*self.guesses, *([table_notice(self.kinds)] if self.kinds else []))

    @property
    def modality(self) -> str:
        """The modality of the one input, or `row`."""
        return self.inputs[0].modality if len(self.inputs) == 1 else ROW

    @property
    def reads(self) -> Modality:
        """The modality as an object."""
        return modality_of_fields(self.inputs)

    @property
    def columns(self) -> dict[str, str]:
        """The parts and their columns, as the manifest keeps them."""
        parts = {"input": ",".join(field.name for field in self.inputs), "target": ",".join(self.targets)}
        parts |= {part: name for part in ("group", "time", "split") if (name := getattr(self, part))}
        return parts


def guess_schema(
    sample: Mapping[str, list[Any]],
    name: str,
    folder: Path | None,
    *,
    input: str | Sequence[str] | None = None,
    target: str | Sequence[str] | None = None,
    group: str | None = None,
    time: str | None = None,
    split: str | None = None,
    columns: str | Mapping[str, str] | None = None,
) -> ColumnSchema:
    """Settle every part, by the user's word where given, else by a guess.

    Parameters
    ----------
    sample : cells of every column from the same rows
    name : of the table, for messages
    input : a column; several, separated by commas or as a list, make rows; 'all' for every column that can be used, even where one is called so
    target : a column; several, separated by commas or as a list, are labels that may occur together
    split : the column that divides the rows into parts; 'none' for none
    columns : the kinds of some columns, as 'age:number,zip:category'; where it is given without inputs, all columns are read

    Raises
    ------
    OptionError
        There is no column of a name that the user gave, or no such kind.
    DataError
        No column looks like an input or a target.
    """
    kinds = wanted_kinds(columns, sample)
    group, time = find_column(sample, group, "group"), find_column(sample, time, "time")
    targets = find_columns(sample, target, "target")
    reads_all = input == ALL or (input is None and bool(kinds))
    chosen = () if reads_all else find_columns(sample, input, "input")
    free = [column for column in sample if column not in (*targets, *chosen, group, time)]
    dividing = _split_of(sample, free, split)
    unsure = [column for column in free if split is None and may_divide(column, sample[column])]
    free = [column for column in free if column != dividing]
    if chosen:
        guess = _Guess(given_fields(sample, chosen, kinds, folder), targets, {})
    else:
        guess = _guess_inputs(sample, free, targets, name, folder=folder, wanted=kinds, reads_all=reads_all)
    names = [field.name for field in guess.inputs]
    for one in guess.inputs:
        if one.modality == "text":
            check_plain(sample[one.name], one.name, name)
    left = [column for column in free if column not in names]
    targets = guess.targets or guess_targets(sample, left, unsure, name)
    both = next((column for column in kinds if column in targets), None)
    if both is not None:
        raise OptionError(f"--columns names '{both}', which is the target. Say with --task what it holds.")
    schema = ColumnSchema(inputs=guess.inputs, targets=targets, group=group, time=time, split=dividing, folder=folder)
    droppable = frozenset(names).difference(kinds) if guess.is_table else frozenset()
    proposals = propose(guess.kinds, sample, targets) if time is None and group is None and dividing is None else ()
    read = {one: kind for one, kind in guess.kinds.items() if guess.is_table and one not in targets}
    schema = replace(schema, droppable=droppable, kinds=read)
    is_given = bool(chosen) or guess.is_table
    schema = _with_guesses(schema, input_given=is_given, target_given=target is not None)
    unused = [column for column in unsure if dividing is None and column not in (*names, *targets)]
    said = (*proposals, *_named_all(sample, input), *guess.notices(targets), *map(_unused_split, unused))
    return replace(schema, guesses=(*schema.guesses, *said))


class _Guess(NamedTuple):
    """The fields of the items, the targets as far as they had to be known for it, and the kinds of the columns that were looked at."""

    inputs: tuple[Field, ...]
    targets: tuple[str, ...]
    kinds: Mapping[str, ColumnKind]
    is_table: bool = False

    def notices(self, targets: Sequence[str]) -> tuple[Notice, ...]:
        """Say which columns are not read, where one alone is."""
        if self.is_table:
            return ()
        parts = (*targets, *(field.name for field in self.inputs))
        return unread_notice({name: kind for name, kind in self.kinds.items() if name not in parts})


def _guess_inputs(
    sample: Mapping[str, list[Any]],
    free: Sequence[str],
    targets: tuple[str, ...],
    name: str,
    *,
    folder: Path | None,
    wanted: Mapping[str, str],
    reads_all: bool,
) -> _Guess:
    """One column of texts or images, or else the rows of a table."""
    kinds = kinds_of(sample, free, wanted, folder)
    if not reads_all:
        column = _one_input(sample, free, name, folder=folder, kinds=kinds, n_targets=0 if targets else 1)
        if column is not None:
            return _Guess((Field(column, modality_of(sample[column], folder)),), targets, kinds)
    targets = targets or (guess_table_target(sample, free, name),)
    inputs = fields_of({one: kind for one, kind in kinds.items() if one not in targets}, name)
    return _Guess(inputs, targets, kinds, is_table=True)


def _one_input(
    sample: Mapping[str, list[Any]],
    free: Sequence[str],
    name: str,
    *,
    folder: Path | None,
    kinds: Mapping[str, ColumnKind],
    n_targets: int,
) -> str | None:
    """The one column of texts or images; None where whole rows are to be read."""
    try:
        column = guess_input(sample, free, name, folder=folder, keep_for_target=n_targets > 0)
    except DataError:
        if is_pure_table(sample, None, kinds, n_targets):
            return None
        raise
    if modality_of(sample[column], folder) != item_modalities()[-1].name:
        return column
    others = {one: kind for one, kind in kinds.items() if one != column}
    return None if is_pure_table(sample, column, others, n_targets) else column


def _split_of(sample: Mapping[str, list[Any]], candidates: Sequence[str], wanted: str | None) -> str | None:
    """The column that divides the rows, as the user named it, or else by its looks; not one that leaves no target."""
    if wanted is not None and not (wanted == NO_SPLIT and wanted not in sample):
        return find_column(sample, wanted, "split")
    if wanted is not None or len(sample) < 3:
        return None
    return next((column for column in candidates if is_split_column(column, sample[column])), None)


def _named_all(sample: Mapping[str, list[Any]], input: str | Sequence[str] | None) -> tuple[Notice, ...]:
    """Say that a word which means every column is the name of one too."""
    if input != ALL or ALL not in sample:
        return ()
    message = f"every column is read, though one is called '{ALL}': for that one alone write --input {ALL}, with the comma, or input=['{ALL}']."
    return (Notice(kind="guess", message=message, where=(ALL,)),)


def _unused_split(column: str) -> Notice:
    message = (
        f"column '{column}' may divide the rows, and is not used: write 'train', 'validation' or 'test' in it, or in a column that --split "
        "names, to keep test rows apart."
    )
    return Notice(kind="unused-split", message=message, where=(column,))


def looks_like_data(header: Sequence[str], rows: Sequence[Sequence[str]]) -> bool:
    """Whether a header line is rather the first row of data: a cell is a number, blank, or a long text, or its one cell a sentence.

    >>> looks_like_data(("text", "label"), [["hello", "1"]]), looks_like_data(("hello", "1"), [["bye", "0"]])
    (False, True)
    """
    if any(number_of(cell) is not None for cell in header) or any(not cell for cell in header[1:]):
        return True
    if any(len(cell) > 120 or _is_value(cell) for cell in header):
        return True
    if len(header) == 1 and len(header[0].split()) >= _PROSE_WORDS:
        return True
    prose = {place for place, cell in enumerate(header) if len(cell.split()) >= _PROSE_WORDS}
    repeated = [place for place in range(len(header)) if _repeats(header[place], [row[place] for row in rows])]
    return bool(prose) and any(place not in prose for place in repeated)


def _repeats(cell: str, values: Sequence[str]) -> bool:
    return len(values) >= 2 and len(set(values)) <= max(2, len(values) // 3) and cell in values


def _is_value(cell: str) -> bool:
    """Whether a cell is unmistakably an item, such as the path of an image."""
    return any(modality.is_value(cell) for modality in item_modalities() if not modality.could_be_label)


def _with_guesses(schema: ColumnSchema, *, input_given: bool, target_given: bool) -> ColumnSchema:
    said = []
    if not input_given:
        said.append(
            f"the {schema.reads.plural} are taken from column '{schema.inputs[0].name}' (change with --input, which "
            "takes several columns too)"
        )
    if not target_given:
        shown = ", ".join(f"'{name}'" for name in schema.targets[:4])
        more = f" and {len(schema.targets) - 4} more" if len(schema.targets) > 4 else ""
        plural = "s" if len(schema.targets) > 1 else ""
        said.append(f"the target is column{plural} {shown}{more} (change with --target)")
    if schema.split:
        said.append(
            f"column '{schema.split}' says which rows are for training and which for the test (change with --split)"
        )
    return replace(schema, guesses=tuple(Notice(kind="guess", message=f"{text}.") for text in said))
