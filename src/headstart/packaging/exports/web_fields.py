"""What the page of a bundle needs to know of the fields that people fill in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from headstart.data.modalities import get_modality
from headstart.packaging.example_item import example_item, levels_of, quantiles_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from headstart.core.dataset import Field
    from headstart.packaging.model import Bundle

_MAX_LEVELS = 1_000
_DAY_S = 86_400


def described_fields(bundle: Bundle) -> list[dict[str, Any]]:
    """Each field as JSON values: name, control, and of a table's column what is usual in it, an example, and how it is written.

    `usual` are the lowest and the highest quantile of a number or a date; of `n_levels` of a category the commonest 1,000 are `levels`.
    """
    example, quantiles, levels = example_item(bundle), quantiles_of(bundle), levels_of(bundle)
    items: Mapping[str, Any] = example if len(bundle.fields) > 1 else {bundle.fields[0].name: example}
    described = []
    for field in bundle.fields:
        said: dict[str, Any] = {"name": field.name, "control": field.modality}
        modality = get_modality(field.modality)
        if modality.is_tabular:
            is_known = field.name in quantiles or levels.get(field.name)
            said |= {"written": field.written, "example": modality.give(items[field.name]) if is_known else None}
            said |= _usual(field, quantiles.get(field.name, ()))
        if field.name in levels:
            said |= {"levels": levels[field.name][:_MAX_LEVELS], "n_levels": len(levels[field.name])}
        described.append(said)
    return described


def _usual(field: Field, quantiles: Any) -> dict[str, Any]:
    if not quantiles:
        return {}
    modality = get_modality(field.modality)
    said: dict[str, Any] = {"usual": [modality.give(value) for value in (quantiles[0], quantiles[-1])]}
    return {**said, "has_time": any(value % _DAY_S for value in quantiles)} if modality.is_time else said
