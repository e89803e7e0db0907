"""Candidates: which of the sources that the user named may read a field."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headstart.core.errors import OptionError, unknown_name
from headstart.sources import cards, find

if TYPE_CHECKING:
    from collections.abc import Sequence

    from headstart.core.dataset import Dataset


def split_assignment(named: str) -> tuple[str | None, str]:
    """Take `field=source` apart; a name alone is of no field.

    >>> split_assignment("photo=efficientnet-lite0"), split_assignment("wordllama-256")
    (('photo', 'efficientnet-lite0'), (None, 'wordllama-256'))
    """
    field, equals, source = named.rpartition("=")
    return (field.strip(), source.strip()) if equals else (None, source.strip())


def candidates_by_field(dataset: Dataset, named: Sequence[str] | None) -> dict[str, list[str] | None]:
    """Give the candidates of each field: those assigned to it, else those of its modality; None for all of its modality.

    Fields of a modality that no source reads are left out.

    Raises
    ------
    OptionError
        A source is assigned to no field of the dataset, or reads none of them.
    """
    assigned: dict[str, list[str]] = {}
    free = []
    for field, source in map(split_assignment, named or ()):
        if field is None:
            free.append(find(source))
        elif field not in {one.name for one in dataset.fields}:
            raise unknown_name("field", field, [one.name for one in dataset.fields])
        else:
            assigned.setdefault(field, []).append(source)
    read = {field.modality for field in dataset.fields}
    stray = next((card for card in free if card.modality not in read), None)
    if stray is not None and len(dataset.fields) > 1:
        raise OptionError(
            f"source '{stray.name}' reads {stray.modality}, but '{dataset.name}' has only {' and '.join(sorted(read))} fields. "
            "`headstart sources` lists those that suit."
        )
    readable = {card.modality for card in cards()}
    fields = [field for field in dataset.fields if field.modality in readable or field.name in assigned]
    if len(dataset.fields) == 1 and (
        fields or free
    ):  # a source of another modality is refused where its card is looked at
        return {
            field.name: assigned.get(field.name) or [card.name for card in free] or None for field in dataset.fields
        }
    return {
        field.name: assigned.get(field.name) or [c.name for c in free if c.modality == field.modality] or None
        for field in fields
    }
