"""Cells that hold several labels: which separator is between them, if any."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import numpy as np

from headstart.core.dataset import Notice
from headstart.data.values import is_blank, label_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_USUAL = (";", "|")
_OTHERS = (
    "\n",
    "\t",
    ",",
    "#",
    "/",
    "+",
    "&",
)  # also in names of classes: they separate only where parts clearly come back
_LONGEST_LABEL = 100
_SHARE = 0.9
LIST_TYPES = (list, tuple, set, frozenset, np.ndarray)


def label_separator(cells: Iterable[Any]) -> str | None:
    """Find the separator whose parts come back in other cells; prose or 'TCP;IP' alone has none.

    >>> label_separator(["a;b", "b", "a"]), label_separator(["a, b", "b, c", "c", "b, a"]), label_separator(["Doe, Ann", "Roe, Ann"])
    (';', ',', None)
    """
    texts = [cell for cell in dict.fromkeys(cells) if isinstance(cell, str)]
    usual = next((separator for separator in _USUAL if _comes_back(texts, separator)), None)
    return usual or next((separator for separator in _OTHERS if _is_made_of_parts(texts, separator)), None)


def separator_to_use(cells: Iterable[Any]) -> str:
    """The separator of cells that are known to hold labels: the one whose parts come back, or else the first that is there."""
    texts = [cell for cell in dict.fromkeys(cells) if isinstance(cell, str)]
    found = label_separator(texts)
    if found:
        return found
    if not any(separator in text for text in texts for separator in (*_USUAL, *_OTHERS)):
        return " " if _is_made_of_parts(texts, " ") else ";"
    return next(one for one in (*_USUAL, *_OTHERS) if any(one in text for text in texts))


def split_cell(cell: Any, separator: str) -> list[Any]:
    """Give the labels of one cell as they are, each once.

    >>> split_cell("a; b;a", ";"), split_cell([2, 1, None], ";")
    (['a', ' b'], [2, 1])
    """
    if isinstance(cell, str):
        parts: Iterable[Any] = cell.split(separator)
    else:
        parts = cell if isinstance(cell, LIST_TYPES) else [cell]
    first: dict[str, Any] = {}
    for part in parts:
        if not is_blank(part):
            first.setdefault(label_of(part), part)
    return list(first.values())


def spaced_notice(cells: Iterable[Any], column: str) -> tuple[Notice, ...]:
    """Ask whether classes are labels with spaces between them, where all their words come back in other classes."""
    texts = [cell for cell in dict.fromkeys(cells) if isinstance(cell, str)]
    if not _is_made_of_parts(texts, " "):
        return ()
    example = next(text for text in texts if " " in text.strip())
    message = f"the classes in '{column}' look like labels with spaces between them, such as '{example}': if they are, say --task multilabel."
    return (Notice(kind="guess", message=message, where=(example,)),)


def _labels_in(text: str, separator: str) -> list[str]:
    return [label_of(part) for part in split_cell(text, separator)]


def _comes_back(texts: Sequence[str], separator: str) -> bool:
    joined = [text for text in texts if separator in text]
    if not joined:
        return False
    parts = Counter(label for text in texts for label in _labels_in(text, separator))
    shared = [np.mean([float(parts[label] > 1) for label in _labels_in(text, separator)] or [0.0]) for text in joined]
    return bool(np.mean(shared) >= 0.5) and max(map(len, parts), default=0) < _LONGEST_LABEL


def _is_made_of_parts(texts: Sequence[str], separator: str) -> bool:
    """Whether the parts are fewer than the cells and nearly all come back, some alone or now first, now later.

    Parts of a name, such as 'Doe, Ann', do neither: each has its place.
    """
    sets = [_labels_in(text, separator) for text in texts]
    parts = Counter(label for labels in sets for label in labels)
    joined = [labels for labels in sets if len(labels) > 1]
    if not joined or len(parts) > len(sets) or max(map(len, parts)) >= _LONGEST_LABEL:
        return False
    first, later = {labels[0] for labels in joined}, {label for labels in joined for label in labels[1:]}
    alone = {labels[0] for labels in sets if len(labels) == 1}
    n_back = sum(all(parts[label] > 1 for label in labels) for labels in joined)
    is_set = bool(first & later) or (bool(alone & (first | later)) and len(parts) < len(sets))
    return is_set and n_back >= _SHARE * len(joined)
