"""Names of columns: how well one fits names that are known, and which the user means."""

from __future__ import annotations

import difflib
import re
from typing import TYPE_CHECKING

from headstart.core.errors import unknown_name
from headstart.core.words import listed_words
from headstart.data.shown_names import visible, without_invisible

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

_N_LISTED = 12
_NEAR = 0.7


def rank(column: str, known: Sequence[str]) -> int:
    """Place of a column's name in a list of known names: exactly, or as a word of it; the length if not there.

    >>> rank("customerMessage", ("text", "message")), rank("id", ("text", "message"))
    (1, 2)
    """
    words = re.split(r"[^a-z0-9]+", re.sub(r"(?<=[a-z])(?=[A-Z])", "_", column).lower())
    plain = "_".join(word for word in words if word)
    if plain in known:
        return known.index(plain)
    return min((known.index(word) for word in words if word in known and len(word) > 1), default=len(known))


def find_column(known: Collection[str], wanted: str | None, part: str) -> str | None:
    """Find the column that the user named for a part; letter case and invisible characters may differ.

    Raises
    ------
    OptionError
        There is none of that name.

    >>> find_column(["Text", "label"], "text", "input")
    'Text'
    """
    if wanted is None or wanted in known:
        return wanted
    plain = without_invisible(wanted).casefold()
    same = [column for column in known if without_invisible(column).casefold() == plain]
    if len(same) == 1:
        return same[0]
    raise unknown_name(f"column (for --{part})", visible(wanted), map(visible, known))


def find_columns(known: Collection[str], wanted: str | Sequence[str] | None, part: str) -> tuple[str, ...]:
    """Find the columns that the user named, as a list or separated by commas; a name with a comma in it is tried first.

    Raises
    ------
    OptionError
        There is none of such a name.
    """
    if wanted is None:
        return ()
    if isinstance(wanted, str):
        wanted = [wanted] if wanted in known else listed_words(wanted)
    found = [find_column(known, one, part) for one in wanted]
    return tuple(dict.fromkeys(column for column in found if column is not None))


def listed(names: Iterable[str]) -> str:
    """List names of columns for a message."""
    shown = [f"'{visible(name)}'" for name in names]
    return ", ".join(shown[:_N_LISTED]) + (f" and {len(shown) - _N_LISTED} more" if len(shown) > _N_LISTED else "")


def nearest(lacking: str | Sequence[str], others: Iterable[str]) -> str:
    """Ask whether names that are lacking are others, written otherwise; '' where none is near.

    >>> nearest("income", ["Income_", "age"])
    " Is it 'Income_'? Rename it to 'income'."
    >>> nearest(["income", "tenure"], ["Income_", "age", "tenure_m"])
    " Is 'Income_' the 'income', and 'tenure_m' the 'tenure'? Rename them."
    """
    names = [lacking] if isinstance(lacking, str) else list(lacking)
    plain = {visible(one).casefold(): visible(one) for one in others}
    found: dict[str, str] = {}
    for name in names:
        near = difflib.get_close_matches(visible(name).casefold(), list(plain), n=1, cutoff=_NEAR)
        if near:
            found[visible(name)] = plain.pop(near[0])
    if not found:
        return ""
    if len(names) == 1:
        return "".join(f" Is it '{other}'? Rename it to '{name}'." for name, other in found.items())
    *first, last = [f"'{other}' the '{name}'" for name, other in list(found.items())[:_N_LISTED]]
    asked = f"{', '.join(first)}, and {last}" if first else last
    return f" Is {asked}? Rename {'them' if first else 'it'}."
