"""Which column holds what a model reads: the one that it learnt from, or else the only one that there is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headstart.core.dataset import Notice
from headstart.core.errors import MissingColumnError
from headstart.data.column_names import listed
from headstart.data.ids import id_columns
from headstart.data.shown_names import visible, without_invisible

if TYPE_CHECKING:
    from collections.abc import Sequence

    from headstart.data.modalities import Modality

_ROW_NUMBERS = frozenset({"", "index", "unnamed: 0"})  # as pandas writes them beside the columns


def same_name(names: Sequence[str], wanted: str) -> str | None:
    """Find a name; capital letters and invisible characters make no other.

    >>> same_name(["Text", "label"], "text")
    'Text'
    """
    if wanted in names:
        return wanted
    plain = _plain(wanted)
    return next((name for name in names if _plain(name) == plain), None)


def input_name(names: Sequence[str], modality: Modality, learnt: str, shown: str) -> str:
    """Choose the column, or the key, that holds what the model reads.

    It is the one that the model learnt from. Where that is not there, the only one will do, ids and numbers of rows not counted; of
    several none is taken for its looks.

    Parameters
    ----------
    learnt : the column that the model learnt from; '' where that had no name, as in a folder: then what is usually called so is taken
    shown : what the table or the record is called in the message

    Raises
    ------
    DataError
        There are several, and none is the one.

    >>> from headstart.data.modalities import get_modality
    >>> input_name(["id", "message"], get_modality("text"), "text", "the table")
    'message'
    """
    found = named_input(names, modality, learnt)
    if found is not None:
        return found
    rest = candidates(names)
    if len(rest) == 1:
        return rest[0]
    raise no_input(names, modality, learnt, shown)


def named_input(names: Sequence[str], modality: Modality, learnt: str) -> str | None:
    """The column that is the right one by its name; None where none is."""
    found = same_name(names, learnt or modality.name)
    if found is not None or learnt:
        return found
    usual = [name for name in names if _plain(name) in modality.column_names]
    return usual[0] if len(usual) == 1 else None


def candidates(names: Sequence[str]) -> list[str]:
    """The columns that may hold items by their names: all but ids and numbers of rows, unless there is no other."""
    left_out = {*id_columns(names), *(name for name in names if _plain(name) in _ROW_NUMBERS)}
    return [name for name in names if name not in left_out] or (list(names) if len(names) == 1 else [])


def no_input(names: Sequence[str], modality: Modality, learnt: str, shown: str) -> MissingColumnError:
    """The error of a table or a record in which nothing says what is to be read."""
    if not names:
        return MissingColumnError(f"{shown} holds nothing; '{learnt or modality.name}' was expected. Add it.")
    lacking = "has no column that is known to hold the input"
    if learnt:
        lacking = f"has no '{visible(learnt)}', which the model learnt from"
    return MissingColumnError(
        f"{shown} {lacking} (it has {listed(names)}). Call the one that holds {modality.one} '{visible(learnt or modality.name)}'."
    )


def other_column_notice(
    taken: str, names: Sequence[str], modality: Modality, learnt: str, shown: str
) -> tuple[Notice, ...]:
    """Say which column was taken where it is not the one that the model learnt from."""
    if taken == same_name(names, learnt) or (not learnt and len(names) == 1):
        return ()
    lacking = f", as there is no '{visible(learnt)}', which the model learnt from" if learnt else ""
    lost = " If that is no header but data, the first line is lost: write a header above it." if len(names) == 1 else ""
    message = f"the {modality.plural} are taken from '{visible(taken)}' of {shown}{lacking}.{lost}"
    return (Notice(kind="other-column", message=message, where=(taken,)),)


def _plain(name: str) -> str:
    return without_invisible(str(name)).casefold()
