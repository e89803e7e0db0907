"""Unfamiliar cells: categories that a model never saw, and numbers far outside of those that it learned from."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import numpy as np

from headstart.core.dataset import Notice
from headstart.core.errors import BundleError
from headstart.data.modalities import Row
from headstart.data.packed_columns import Categories
from headstart.data.rows import column_of
from headstart.data.shown_names import visible
from headstart.sources.preprocessors.columns import CATEGORY, NUMBER, ColumnReader

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from headstart.core.model import Preprocessor
    from headstart.core.report import Report
    from headstart.data.modalities import Modality
    from headstart.evaluation.columns_section import ColumnEffect

_N_COLUMNS = 8  # that are named
_N_VALUES = 3  # of each
_FAR = 5.0  # times the span of the middle 96 % of the values beyond it


def unfamiliar_notices(
    items: Sequence[Any], modality: Modality, prepared: Preprocessor, report: Callable[[], Report]
) -> tuple[Notice, ...]:
    """Say of each column how many cells the model knows nothing like.

    Parameters
    ----------
    items : as `given_items` gives them
    prepared : the preprocessor of the model, which holds the levels of categories
    report : gives that of the model, whose curves run over the middle 96 % of the values of the strongest columns
    """
    if not any(_readers(prepared)):
        return ()
    items = items if not isinstance(items, list) else [item for item in items if not isinstance(item, Exception)]
    categories: dict[str, Counter[str]] = {}
    for name, levels in _levels(prepared).items():
        found = _unseen(_column(items, name, modality), levels)
        if found:
            categories[name] = found
    numbers: dict[str, Counter[str]] = {}
    for one in _effects(report):
        if found := _far(items, one, modality):
            numbers[one.name] = found
    return (
        *_notice("unseen", "categories that the model never saw", categories, "They count as none that it knows."),
        *_notice("far", "numbers far outside of what the model learned from", numbers, "Look at them, and at units."),
    )


def _effects(report: Callable[[], Report]) -> Sequence[ColumnEffect]:
    """What the report says of columns; nothing where it cannot be read, for that is no reason not to answer."""
    from headstart.evaluation.columns_section import ColumnsSection

    try:
        section = report().get(ColumnsSection)
    except BundleError:
        return ()
    return section.columns if section else ()


def _notice(kind: str, what: str, found: Mapping[str, Counter[str]], remedy: str) -> tuple[Notice, ...]:
    if not found:
        return ()
    said = [f"{_cells(counts.total())} of '{visible(name)}' ({_shown(counts)})" for name, counts in found.items()]
    more = f" and {len(said) - _N_COLUMNS} more columns" if len(said) > _N_COLUMNS else ""
    message = f"{what}: {', '.join(said[:_N_COLUMNS])}{more}. {remedy}"
    return (Notice(kind=kind, message=message, where=tuple(found)),)


def _cells(n: int) -> str:
    return "1 cell" if n == 1 else f"{n} cells"


def _shown(counts: Counter[str]) -> str:
    shown = [f"'{visible(value)[:40]}'" for value, _ in counts.most_common(_N_VALUES)]
    return ", ".join(shown) + (" …" if len(counts) > _N_VALUES else "")


def _levels(prepared: Preprocessor) -> dict[str, frozenset[str]]:
    """The levels of each category that a model knows, whichever of its parts reads it."""
    found: dict[str, frozenset[str]] = {}
    for reader in _readers(prepared):
        for column in reader.columns:
            if column.holds == CATEGORY:
                found[column.name] = found.get(column.name, frozenset()) | frozenset(column.levels)
    return found


def _readers(prepared: Preprocessor) -> Iterator[ColumnReader]:
    if isinstance(prepared, ColumnReader):
        yield prepared
    for part in getattr(prepared, "inputs", ()):
        yield from _readers(part)


def _column(items: Sequence[Any], name: str, modality: Modality) -> Sequence[Any]:
    return column_of(items, name) if isinstance(modality, Row) else items


def _unseen(values: Sequence[Any], levels: frozenset[str]) -> Counter[str]:
    packed = values if isinstance(values, Categories) else Categories.of(str(one or "") for one in values)
    counts = np.bincount(packed.codes[packed.codes >= 0], minlength=len(packed.levels))
    unseen = ((level, int(n)) for level, n in zip(packed.levels, counts, strict=True) if n and level not in levels)
    return Counter(dict(unseen))


def _far(items: Sequence[Any], one: ColumnEffect, modality: Modality) -> Counter[str]:
    places = [point["at"] for point in one.curve]
    if one.modality != NUMBER or len(places) < 2 or one.name not in _names(modality):
        return Counter()
    values = np.array([np.nan if value is None else value for value in _column(items, one.name, modality)], np.float64)
    low, high = min(places), max(places)
    reach = _FAR * (high - low)
    return Counter(f"{value:.6g}" for value in values[(values < low - reach) | (values > high + reach)])


def _names(modality: Modality) -> set[str]:
    return set(modality.modalities) if isinstance(modality, Row) else set()
