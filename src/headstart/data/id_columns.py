"""The user's own ids of rows, which answers carry so that they can be joined to the rows again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headstart.data.column_names import rank

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

_NAMES = ("id", "uuid", "guid")


def id_columns(names: Sequence[str], others: Collection[str] = ()) -> list[str]:
    """Find the columns that are called ids, but for those that are something else.

    >>> id_columns(["Ticket ID", "customerId", "text", "width"], ["text"])
    ['Ticket ID', 'customerId']
    """
    return [name for name in names if name not in others and rank(name, _NAMES) < len(_NAMES)]
