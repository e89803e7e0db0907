"""How a delimited table is laid out: its separator, and what stands above the header."""

from __future__ import annotations

import csv
import re
from collections import Counter
from contextlib import contextmanager, suppress
from itertools import islice
from typing import IO, TYPE_CHECKING, Any, NamedTuple

from headstart.core.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

N_SNIFFED = 200
"""Rows that are looked at before a table is read."""

_SEPARATORS = ",;\t|"
_CELL_LIMIT_CHARACTERS = 16 << 20
_SEPARATOR_LINE = re.compile(r'"?sep=(\\t|\t|[^\w\s"])"?\s*', re.IGNORECASE)
_LONGEST_SEPARATOR_LINE = 20


class Layout(NamedTuple):
    """The separator, and how many lines stand above the header."""

    separator: str
    n_lines_above: int = 0


def find_layout(opened: Callable[[], IO[str]], separator: str | None = None) -> Layout:
    r"""Find the separator: as a first line 'sep=;' says, else the one given, else the one that cuts the first rows best.

    Parameters
    ----------
    opened : opens the table at its beginning

    >>> import io
    >>> find_layout(lambda: io.StringIO("id;text\n1;late, again\n2;where is it?\n")).separator
    ';'
    """
    with opened() as file:
        said = _SEPARATOR_LINE.fullmatch(file.readline(_LONGEST_SEPARATOR_LINE))
    if said:
        return Layout("\t" if said[1] == "\\t" else said[1], n_lines_above=1)
    return Layout(separator or _best_separator(opened))


@contextmanager
def open_records(opened: Callable[[], IO[str]], layout: Layout, shown: str = "the table") -> Iterator[Any]:
    """Read what stands below the first lines, which are no part of the table, with a `csv.reader`.

    Raises
    ------
    DataError
        A cell is too long, as one is whose quote is not closed.
    """
    csv.field_size_limit(max(csv.field_size_limit(), _CELL_LIMIT_CHARACTERS))
    with opened() as file:
        for _ in range(layout.n_lines_above):
            file.readline()
        reader = csv.reader(file, delimiter=layout.separator)
        try:
            yield reader
        except csv.Error as error:
            raise DataError(
                f"{shown} cannot be read near line {layout.n_lines_above + reader.line_num} ({error}). "
                "Look for a quote that is not closed."
            ) from error


def ends_within_quotes(lines: Sequence[str], separator: str) -> bool:
    r"""Whether the last row, on these lines, ends in a quote that is open.

    >>> ends_within_quotes(['"late, again'], ","), ends_within_quotes(['"late, again",5" screen'], ",")
    (True, False)
    """
    try:
        for _ in csv.reader(lines, delimiter=separator, strict=True):
            pass
    except csv.Error as error:
        odd = sum(line.count('"') for line in lines) % 2 == 1
        return "end of data" in str(error) or (len(lines) > 1 and odd)
    return False


def _best_separator(opened: Callable[[], IO[str]]) -> str:
    """Choose the separator that cuts the first rows into the same number of cells, and into most of them."""
    scores = []
    for separator in _SEPARATORS:
        widths: Counter[int] = Counter()
        with suppress(DataError), open_records(opened, Layout(separator)) as reader:  # cells too long: it is another
            widths = Counter(len(cells) for cells in islice(reader, N_SNIFFED) if any(cells))
        width, count = max(widths.items(), key=lambda item: item[1], default=(1, 0))
        agreement = count / max(sum(widths.values()), 1)
        scores.append((agreement if width > 1 else 0.0, width, separator))
    agreement, width, separator = max(scores, key=lambda score: (round(score[0], 1), score[1]))
    return separator if width > 1 and agreement > 0 else ","
