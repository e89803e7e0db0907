"""Parts of inputs: the items of one file, table or stream, and from which column they are taken."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

from headstart.core.dataset import Notice
from headstart.core.errors import DataError
from headstart.data.column_names import listed
from headstart.data.input_names import other_column_notice, same_name
from headstart.data.modalities import Row
from headstart.data.payloads import pick

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from headstart.data.modalities import Modality


class WantedColumn(NamedTuple):
    """What is known of the column that is read: what the user called it, and the model."""

    named: str | None
    learnt: str | None

    @property
    def known(self) -> str | None:
        """Its name, if it has one."""
        return self.named or self.learnt or None


class ItemPart(NamedTuple):
    """Items of one input, their names, the user's ids by column, and what was noticed."""

    items: Sequence[Any]
    ids: Sequence[str]
    own_ids: Mapping[str, Sequence[Any]] = MappingProxyType({})
    notices: tuple[Notice, ...] = ()


def cell_of(record: dict[str, Any], row: str, modality: Modality, column: WantedColumn) -> Any:
    """Take what is to be read out of a line."""
    if isinstance(modality, Row):
        try:
            return pick(record, modality)
        except DataError as error:
            raise DataError(f"{row}: {error}") from error
    if column.named is None:
        return pick(record, modality, column.learnt or "", shown=row)
    found = same_name(list(record), column.named)
    if found is None:
        raise DataError(f"{row} has no '{column.named}', which --input names (it has {listed(record)}). Add it.")
    return record[found]


def noticed(
    taken: str | None, names: Sequence[str], modality: Modality, column: WantedColumn, shown: str
) -> tuple[Notice, ...]:
    """A notice of another column than the one that the model learnt from, where the user did not name it."""
    if taken is None or isinstance(modality, Row) or column.named is not None or column.learnt is None:
        return ()
    return other_column_notice(taken, names, modality, column.learnt, shown)


def unread(names: Sequence[str], read: Collection[str], modality: Modality) -> tuple[Notice, ...]:
    """A notice of the columns that a model of rows does not read."""
    others = [name for name in names if name not in read]
    if not others or not isinstance(modality, Row):
        return ()
    said = f"column {listed(others)} is" if len(others) == 1 else f"columns {listed(others)} are"
    return (Notice(kind="unread", message=f"{said} not read: the model learned from others.", where=tuple(others)),)


def unread_keys(records: Any, modality: Modality) -> tuple[Notice, ...]:
    """The same of the keys of records."""
    if not isinstance(modality, Row):
        return ()
    keys = dict.fromkeys(str(key) for record in records if isinstance(record, Mapping) for key in record)
    return unread([*keys], modality.modalities, modality)


def keys_of(modality: Modality, column: WantedColumn) -> Sequence[str]:
    """The keys that a line of JSON is to have."""
    return list(modality.modalities) if isinstance(modality, Row) else [column.known or modality.column_names[0]]


def join_parts(parts: Sequence[ItemPart], modality: Modality) -> ItemPart:
    """Put the items of several inputs one after the other; an id that one lacks is None there."""
    ids = [name for part in parts for name in part.ids]
    own_ids = {
        name: [cell for part in parts for cell in part.own_ids.get(name, [None] * len(part.ids))]
        for name in dict.fromkeys(name for part in parts for name in part.own_ids)
    }
    notices = tuple(dict.fromkeys(notice for part in parts for notice in part.notices))
    return ItemPart(modality.pack(item for part in parts for item in part.items), ids, own_ids, notices)
