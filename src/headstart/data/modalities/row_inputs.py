"""The fields of rows as the inputs of a graph: their names, and what they are fed."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from headstart.data.rows import Rows, column_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from headstart.core.model import Batch
    from headstart.data.modalities.modality import Modality

_GIVEN_NAMES = frozenset(
    {"label", "labels", "label_names", "prediction_set", "probabilities", "probability", "threshold", "value"}
)


def graph_names(fields: Iterable[str]) -> dict[str, str]:
    """Name the input of a graph that each field is: its own name as far as that is safe and no output has it.

    >>> graph_names(["subject", "label", "Körper 2"])
    {'subject': 'subject', 'label': 'label_', 'Körper 2': 'K_rper_2_'}
    """
    names: dict[str, str] = {}
    taken: set[str] = set()
    for field in fields:
        name = re.sub(r"[^0-9A-Za-z_]+", "_", field)
        while name in _GIVEN_NAMES or name in taken or re.search(r"_[0-9]+$", name):  # as nodes are called
            name += "_"
        names[field] = name
        taken.add(name)
    return names


def column_feeds(
    items: Sequence[Any], modalities: Mapping[str, Modality]
) -> Iterator[tuple[Batch, Sequence[dict[str, Any]]]]:
    """Give what a graph is fed of rows of which all fields are cells of a table, many rows at a time, and these rows."""
    names = graph_names(modalities)
    parts = [one.feeds(column_of(items, field), are_files=True, name=names[field]) for field, one in modalities.items()]
    for fed in zip(*parts, strict=True):
        rows = Rows(dict(zip(modalities, (values for _, values in fed), strict=True)))
        yield {name: array for batch, _ in fed for name, array in batch.items()}, [*rows]


def loading_code(modalities: Mapping[str, Modality]) -> str:
    """Put what makes each field's value behind its name: `{"subject": np.array(["a text"], dtype=object), …}`."""
    names = graph_names(modalities)
    made = {names[field]: one.loading_code.partition(": ")[2][:-1] for field, one in modalities.items()}
    return "{" + ", ".join(f'"{name}": {code}' for name, code in made.items()) + "}"
