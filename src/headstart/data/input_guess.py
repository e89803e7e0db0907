"""Guess which column of a table is the one input."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from headstart.core.errors import DataError
from headstart.data.column_names import listed, rank
from headstart.data.ids import looks_like_ids
from headstart.data.modalities import item_modalities
from headstart.data.nested_cells import nested_hint
from headstart.data.shown_names import visible
from headstart.data.target_guess import TARGET_NAMES, looks_like_target
from headstart.data.values import is_missing

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from headstart.data.modalities import Modality


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
    for modality in item_modalities():
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
    if not candidates and len(sample) == 1:
        raise DataError(
            f"'{name}' has one column, {listed(sample)}, and so nothing to learn it from. Add a column of texts or image paths, or others of a table."
        )
    kinds = " or ".join(modality.cell_noun for modality in reversed(item_modalities()))
    raise DataError(
        f"'{name}' has no column that looks like {kinds} (columns: {listed(sample)}). {nested_hint(sample) or 'Name it with --input COLUMN.'}"
    )


def _is_told_by(modality: Modality, column: str, columns: Mapping[str, Sequence[Any]]) -> bool:
    """Whether a column holds items rather than labels: by its name, or as few of its cells come back."""
    is_known = rank(column, modality.column_names) < len(modality.column_names)
    return is_known or not looks_like_target(columns[column])


def modality_of(cells: Sequence[Any], folder: Path | None) -> str:
    """Name the modality of a column; the last one takes what no other recognises."""
    asked = item_modalities()
    return next((modality.name for modality in asked if modality.recognises(cells, folder)), asked[-1].name)
