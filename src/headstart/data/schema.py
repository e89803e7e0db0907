"""Guess which column is the input, the target, the split; and say what was guessed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from headstart.core.dataset import ROW, Field, Notice
from headstart.core.errors import DataError
from headstart.data.column_names import find_column, find_columns, listed, rank
from headstart.data.ids import looks_like_ids
from headstart.data.modalities import all_modalities, get_modality, modality_of_fields
from headstart.data.nested_cells import check_plain, nested_hint
from headstart.data.shown_names import visible
from headstart.data.splits import is_split_column, may_divide
from headstart.data.values import is_missing, label_of, number_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from headstart.data.modalities import Modality

TARGET_NAMES = ("label", "labels", "target", "class", "category", "y", "sentiment", "topic", "tags", "tag", "intent",
    "product", "score", "rating", "stars", "species", "spam", "outcome", "type", "answer", "price")  # fmt: skip

NO_SPLIT = "none"
"""What the user says where a column that looks like a division is none."""

_MAX_CLASSES = 1_000
_MIN_LABEL_COLUMNS = 3
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
    """

    inputs: tuple[Field, ...]
    targets: tuple[str, ...]
    group: str | None = None
    time: str | None = None
    split: str | None = None
    folder: Path | None = None
    guesses: tuple[Notice, ...] = ()

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
) -> ColumnSchema:
    """Settle every part, by the user's word where given, else by a guess.

    Parameters
    ----------
    sample : cells of every column from the same rows
    name : of the table, for messages
    input : a column; several, separated by commas or as a list, make rows
    target : a column; several, separated by commas or as a list, are labels that may occur together
    split : the column that divides the rows into parts; 'none' for none

    Raises
    ------
    OptionError
        There is no column of a name that the user gave.
    DataError
        No column looks like an input or a target.
    """
    group, time = find_column(sample, group, "group"), find_column(sample, time, "time")
    targets = find_columns(sample, target, "target")
    chosen = find_columns(sample, input, "input")
    free = [column for column in sample if column not in (*targets, *chosen, group, time)]
    dividing = _split_of(sample, free, split)
    unsure = [column for column in free if split is None and may_divide(column, sample[column])]
    free = [column for column in free if column != dividing]
    chosen = chosen or (guess_input(sample, free, name, folder=folder, keep_for_target=not targets),)
    targets = targets or _guess_targets(sample, [column for column in free if column not in chosen], unsure, name)
    inputs = tuple(Field(column, modality_of(sample[column], folder)) for column in chosen)
    for field in inputs:
        if get_modality(field.modality).packed_as_text:
            check_plain(sample[field.name], field.name, name)
    schema = ColumnSchema(inputs=inputs, targets=targets, group=group, time=time, split=dividing, folder=folder)
    schema = _with_guesses(schema, input_given=input is not None, target_given=target is not None)
    unused = [column for column in unsure if dividing is None and column not in (*chosen, *targets)]
    return replace(schema, guesses=(*schema.guesses, *map(_unused_split, unused)))


def _split_of(sample: Mapping[str, list[Any]], candidates: Sequence[str], wanted: str | None) -> str | None:
    """The column that divides the rows, as the user named it, or else by its looks; not one that leaves no target."""
    if wanted is not None and not (wanted == NO_SPLIT and wanted not in sample):
        return find_column(sample, wanted, "split")
    if wanted is not None or len(sample) < 3:
        return None
    return next((column for column in candidates if is_split_column(column, sample[column])), None)


def _unused_split(column: str) -> Notice:
    message = (
        f"column '{column}' may divide the rows, and is not used: write 'train', 'validation' or 'test' in it, or in a column that --split "
        "names, to keep test rows apart."
    )
    return Notice(kind="unused-split", message=message, where=(column,))


def guess_input(
    sample: Mapping[str, list[Any]],
    candidates: Sequence[str],
    name: str,
    *,
    folder: Path | None = None,
    keep_for_target: bool = False,
) -> str:
    """Choose the column that holds the items: by its cells, then its name, then its length; ids are no texts.

    Raises
    ------
    DataError
        None looks like any modality.
    """
    ids: list[str] = []
    for modality in all_modalities():
        free = list(candidates)
        if modality.could_be_label and keep_for_target and len(free) > 1:
            free = [column for column in free if rank(column, TARGET_NAMES) != 0] or free
        found = {column: sample[column] for column in free if modality.recognises(sample[column], folder)}
        if modality.could_be_label:
            ids = [column for column in free if looks_like_ids(sample[column], column)]
            found = {column: cells for column, cells in found.items() if column not in ids}
            if ids and keep_for_target and not any(_is_told_by(modality, column, found) for column in found):
                break  # what is left beside ids are labels
        if found:
            return modality.choose(found)
    if ids:
        cell = next(cell for cell in sample[ids[0]] if not is_missing(cell))
        raise DataError(
            f"column '{visible(ids[0])}' of '{name}' holds ids, such as '{visible(str(cell))}', and they do not all name files near. Name the "
            "folder of the images with --images, or the column of the texts with --input."
        )
    kinds = " or ".join(modality.cell_noun for modality in reversed(all_modalities()))
    raise DataError(
        f"'{name}' has no column that looks like {kinds} (columns: {listed(sample)}). {nested_hint(sample) or 'Name it with --input COLUMN.'}"
    )


def _is_told_by(modality: Modality, column: str, columns: Mapping[str, Sequence[Any]]) -> bool:
    """Whether a column holds items rather than labels: by its name, or as few of its cells come back."""
    is_known = rank(column, modality.column_names) < len(modality.column_names)
    return is_known or not _looks_like_target(columns[column])


def modality_of(cells: Sequence[Any], folder: Path | None) -> str:
    """Name the modality of a column; the last one takes what no other recognises."""
    asked = all_modalities()
    return next((modality.name for modality in asked if modality.recognises(cells, folder)), asked[-1].name)


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


def _guess_targets(
    sample: Mapping[str, list[Any]], candidates: Sequence[str], unsure: Sequence[str], name: str
) -> tuple[str, ...]:
    """Choose the targets by their names, else by their cells; columns that may be something else are left for last."""
    known = [column for column in candidates if rank(column, TARGET_NAMES) < len(TARGET_NAMES)]
    if known:
        return (min(known, key=lambda column: rank(column, TARGET_NAMES)),)
    switches = [column for column in candidates if _is_switch(sample[column])]
    if len(switches) >= _MIN_LABEL_COLUMNS:
        return tuple(switches)
    likely = [column for column in candidates if _looks_like_target(sample[column])]
    sure = [column for column in likely if column not in unsure]
    if likely:
        return ((sure or likely)[-1],)  # tables mostly end with what is to be predicted
    raise DataError(
        f"'{name}' has no column that looks like a label or a number to predict (columns: {listed(sample)}). "
        "Name it with --target COLUMN."
    )


def _looks_like_target(cells: Sequence[Any]) -> bool:
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


def _is_value(cell: str) -> bool:
    """Whether a cell is unmistakably an item, such as the path of an image."""
    return any(modality.is_value(cell) for modality in all_modalities() if not modality.could_be_label)


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
