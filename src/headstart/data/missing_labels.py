"""Which rows have no label: blank cells always, words such as 'NA' only where they cannot be labels."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import numpy as np

from headstart.core.dataset import Notice
from headstart.data.values import is_blank, label_of, number_of
from headstart.data.written_numbers import written_numbers

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from collections.abc import Set as AbstractSet

    from numpy.typing import NDArray

    from headstart.core.dataset import IntArray

_PRINTED = frozenset({"nan", "nat", "<na>"})  # what software prints where there is no value
_WORDS = frozenset({"na", "n/a", "null", "none", "nil", "\\n"})  # of people and databases; they may be labels too
_SWITCHES = frozenset({"true", "false"})
_N_LISTED = 100


def find_missing(
    cells: Sequence[Any], words: tuple[str, ...] | None, name: str, known: Sequence[str] = ()
) -> tuple[NDArray[np.bool_], tuple[Notice, ...]]:
    """Say which cells hold no label, shape (n,), and which words were taken for labels though they may mean none.

    Parameters
    ----------
    words : those that mean that there is no label; None for `nan` and what pandas prints, and, where all other cells are numbers or
        true and false, `NA`, `N/A`, `null`, `none`
    name : of the column
    known : labels of a model, which are labels whatever they are called

    >>> find_missing(["DE", "NA", ""], None, "country")[0].tolist(), find_missing(["1", "NA"], None, "n")[0].tolist()
    ([False, False, True], [False, True])
    """
    blank = np.array([is_blank(cell) for cell in cells], dtype=bool)
    if words is not None:
        return blank | _is_one_of(cells, {label_of(word).casefold() for word in words}), ()
    possible = _WORDS - {label.casefold() for label in known}
    is_word = _is_one_of(cells, possible) & ~blank  # None is blank, 'None' a word
    if is_word.any() and _are_typed([cell for cell in cells if not is_blank(cell)]):
        return blank | is_word | _is_one_of(cells, _PRINTED), ()
    shown = Counter(label_of(cells[place]) for place in np.flatnonzero(is_word).tolist())
    notices = tuple(_word_notice(word, count, name) for word, count in shown.most_common())
    return blank | _is_one_of(cells, _PRINTED), notices


def unlabelled_notice(unlabelled: IntArray, ids: Sequence[str], cells: Sequence[Any] = ()) -> tuple[Notice, ...]:
    """Say which rows have no label, and of the words that were read so how they would be labels.

    Parameters
    ----------
    unlabelled : shape (m,), their places
    cells : all cells of the target, where it is one column
    """
    if not len(unlabelled):
        return ()
    where = tuple(ids[i] for i in unlabelled[:_N_LISTED])
    rows = "1 row has" if len(unlabelled) == 1 else f"{len(unlabelled)} rows have"
    words = dict.fromkeys(label_of(cells[i]) for i in unlabelled if cells and not is_blank(cells[i]))
    named = f"; {', '.join(map(repr, words))} would be a label with --missing ''" if words else ""
    message = f"{rows} no label and {'is' if len(unlabelled) == 1 else 'are'} kept apart, the first {where[0]}{named}."
    return (Notice(kind="unlabelled", message=message, where=where),)


def _is_one_of(cells: Sequence[Any], words: AbstractSet[str]) -> NDArray[np.bool_]:
    return np.array([label_of(cell).casefold() in words for cell in cells], dtype=bool)


def _are_typed(cells: Iterable[Any]) -> bool:
    """Whether cells are numbers, as people write them, true and false, or words that may mean no value."""
    known = _SWITCHES | _WORDS | _PRINTED
    others = [cell for cell in cells if not (isinstance(cell, str) and cell.strip().casefold() in known)]
    if not all(isinstance(cell, str) or number_of(cell) is not None for cell in others):
        return False
    written = written_numbers(others)
    return not others or (written is not None and all(written.read(cell) is not None for cell in others))


def _word_notice(word: str, count: int, name: str) -> Notice:
    rows = "1 row" if count == 1 else f"{count} rows"
    message = (
        f"'{word}' ({rows}) in '{name}' is taken as a label like any other; if it means that a row has none, "
        f"use --missing {word} (missing='{word}')."
    )
    return Notice(kind="missing-word", message=message, where=(word,))
