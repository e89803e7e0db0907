"""Near-duplicates: items so alike by their contents that they must not stand on both sides of a split.

They are found before anything is embedded, by what each modality knows of its values (`Modality.similar_pairs`), and without
labels: so every source, method and baseline has the same groups.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from headstart.data.groups import NearDuplicates, join_pairs
from headstart.data.modalities import modality_of_fields

if TYPE_CHECKING:
    from collections.abc import Sequence

    from headstart.core.dataset import Dataset, Field, IntArray


def find_near_duplicates(dataset: Dataset) -> NearDuplicates:
    """Join the items of a dataset that are nearly the same; its own `groups` stay together as well."""
    return join_similar_items(dataset.items, dataset.fields, dataset.groups)


def with_near_duplicate_groups(dataset: Dataset) -> Dataset:
    """The dataset with its near-duplicates in its groups; one that has them already stays as it is."""
    if dataset.has_near_duplicate_groups:
        return dataset
    return replace(dataset, groups=find_near_duplicates(dataset).groups, has_near_duplicate_groups=True)


def join_similar_items(
    items: Sequence[Any], fields: tuple[Field, ...], given: IntArray | None = None
) -> NearDuplicates:
    """The same for items that came without targets; `given`, shape (n,), are groups that stay together."""
    return join_pairs(len(items), modality_of_fields(fields).similar_pairs(items), given)
