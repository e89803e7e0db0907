"""UnreadableItems: what cannot be read is named, and set aside while it is little."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from pathlib import PurePath
from typing import TYPE_CHECKING

import numpy as np

from headstart.core.dataset import Notice
from headstart.core.errors import DataError, OptionError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from headstart.core.dataset import Dataset, IntArray

_N_NAMED = 3
_N_LISTED = 100
_MOST_ADVISED = 50.0  # percent; what more cannot be used has one cause, which is to be fixed


@dataclass
class UnreadableItems:
    """Items set aside, and the share of them that is tolerated.

    Attributes
    ----------
    max_unreadable : fraction of all items that may be set aside, 0 to 1
    found : (id, reason) of each, in the order of finding

    Examples
    --------
    >>> bad = UnreadableItems(max_unreadable=0.5)
    >>> bad.add("photos/kiwi/7.jpg", "is empty")
    >>> bad.check(2, "photos")
    >>> bad.notice().message
    "1 item set aside: 'photos/kiwi/7.jpg' is empty."
    """

    max_unreadable: float = 0.01
    found: list[tuple[str, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        if not 0 <= self.max_unreadable <= 1:
            raise OptionError(
                f"max_unreadable is {self.max_unreadable:g}; it is a fraction from 0 to 1, such as 0.01 for 1 %."
            )

    def __len__(self) -> int:
        return len(self.found)

    def add(self, item_id: str, reason: str) -> None:
        """Set one item aside; `reason` goes on from its name: 'is empty', 'has 5 cells where the header has 3'."""
        self.found.append((item_id, " ".join(reason.split()).rstrip(".")))

    def add_error(self, item_id: str, item: object, error: object) -> None:
        """Set aside an item that could not be decoded; a file is named once, by its id or else by its path.

        >>> bad = UnreadableItems()
        >>> bad.add_error("t.csv row 7", "photos/7.jpg", "'photos/7.jpg' is cut off.")
        >>> bad.found
        [('t.csv row 7', "names 'photos/7.jpg', which is cut off")]
        """
        named, reason = f"'{item}' ", str(error)
        if reason.startswith(named):
            reason = reason.removeprefix(named)
            if PurePath(str(item)).name not in item_id:
                reason = f"names {named.strip()}, which {reason}"
        self.add(item_id, reason)

    def rename(self, first: int, name: str, called: str) -> None:
        """Call the file of the items found from the `first` on by another name than its own."""
        self.found[first:] = [(called + one.removeprefix(name), reason) for one, reason in self.found[first:]]

    def check(self, n_items: int, name: str) -> None:
        """Raise if more was set aside than is tolerated.

        Parameters
        ----------
        n_items : int
            All items, the bad ones among them.
        name : str
            The file or folder that they are of.

        Raises
        ------
        DataError
            Names the first of them with their reasons, and the setting that would let them pass where they are not most of the items.
        """
        n_bad = len(self.found)
        if n_bad == 0 or n_bad <= self.max_unreadable * n_items:
            return
        if n_bad >= n_items:
            every = "the only item" if n_items <= 1 else f"all {n_items} items"
            raise DataError(f"{every} of {name} cannot be used: {self._named()}.")
        share = math.ceil(1000 * n_bad / n_items) / 10
        remedy = (
            f"Fix them, or set them aside with --max-unreadable {share:g}%" if share <= _MOST_ADVISED else "Fix them"
        )
        raise DataError(
            f"{n_bad} of the {n_items} items of {name} cannot be used; at most {100 * self.max_unreadable:.3g} % of them may be set "
            f"aside: {self._named()}. {remedy}."
        )

    def notice(self) -> Notice | None:
        """What the report says of them; None if all was well."""
        if not self.found:
            return None
        n_bad = len(self.found)
        where = tuple(item_id for item_id, _ in self.found[:_N_LISTED])
        message = f"{n_bad} item{'s' if n_bad > 1 else ''} set aside: {self._named()}."
        return Notice(kind="unreadable", message=message, where=where)

    def _named(self) -> str:
        named = "; ".join(f"'{item_id}' {reason}" for item_id, reason in self.found[:_N_NAMED])
        return named + (f"; and {len(self.found) - _N_NAMED} more" if len(self.found) > _N_NAMED else "")


def without_unreadable(
    dataset: Dataset, errors: Mapping[int, object], max_unreadable: float
) -> tuple[Dataset, IntArray]:
    """Set aside the items that could not be decoded; those that were set aside before them count too.

    Parameters
    ----------
    errors : why, by the item's place

    Returns
    -------
    The data without them, and the places that are kept.

    Raises
    ------
    DataError
        They are more than is tolerated; the message names the first.
    """
    kept: IntArray = np.array([place for place in range(len(dataset)) if place not in errors], dtype=np.int64)
    if not errors:
        return dataset, kept
    bad = UnreadableItems(max_unreadable=max_unreadable, found=list(dataset.unreadable))
    for place, error in sorted(errors.items()):
        bad.add_error(str(dataset.ids[place]), dataset.items[place], error)
    bad.check(len(dataset) + len(dataset.unlabelled) + len(dataset.unreadable), f"'{dataset.name}'")
    others = [notice for notice in dataset.notices if notice.kind != "unreadable"]
    notices = (*others, *filter(None, [bad.notice()]))
    return replace(dataset.take(kept), notices=notices, unreadable=tuple(bad.found)), kept
