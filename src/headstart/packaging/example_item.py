"""An example of what a bundle answers: usual values of its columns, those of a modality elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from headstart.data.column_profiles import QUANTILES
from headstart.data.data_section import DataSection
from headstart.data.modalities import get_modality
from headstart.sources.preprocessors.columns import CATEGORY, ColumnReader
from headstart.sources.preprocessors.joint import JointPreprocessor
from headstart.sources.preprocessors.renamed import RenamedFields

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from headstart.core.model import Preprocessor
    from headstart.packaging.model import Bundle

_MIDDLE = QUANTILES.index(0.5)


def example_item(bundle: Bundle) -> Any:
    """Make an item of the median of each number and date and the commonest level of each category, which no row need be.

    Where nothing is known of a column, and for texts and images, it is what stands for the modality.
    """
    usual, levels = quantiles_of(bundle), levels_of(bundle)
    values = {field.name: get_modality(field.modality).example for field in bundle.fields}
    values |= {name: quantiles[_MIDDLE] for name, quantiles in usual.items() if name in values}
    values |= {name: known[0] for name, known in levels.items() if name in values and known}
    return values if len(values) > 1 else next(iter(values.values()))


def quantiles_of(bundle: Bundle) -> dict[str, Sequence[float]]:
    """The quantiles of numbers and dates, by field; bundles from before reports had them give none."""
    profiles = bundle.report[DataSection].profiles
    return {one["name"]: one["quantiles"] for one in profiles if len(one.get("quantiles", ())) == len(QUANTILES)}


def levels_of(bundle: Bundle) -> dict[str, tuple[str, ...]]:
    """The levels of categories that the model knows, the commonest first, by field."""
    alone = bundle.fields[0].name if len(bundle.fields) == 1 else None
    return _levels(bundle.input, alone)


def _levels(prepared: Preprocessor, alone: str | None) -> dict[str, tuple[str, ...]]:
    if isinstance(prepared, ColumnReader):
        return {alone or one.name: one.levels for one in prepared.columns if one.holds == CATEGORY}
    if isinstance(prepared, RenamedFields):
        given = {one.field.name: one.given for one in prepared.fields}
        return _renamed(_levels(prepared.inner, None), given, alone)
    found: dict[str, tuple[str, ...]] = {}
    if isinstance(prepared, JointPreprocessor):
        parts = sorted(zip(prepared.inputs, prepared.fields, strict=True), key=_is_of_other_data)
        for part, field in parts:
            found = {**_levels(part, field or alone), **found}
    return found


def _is_of_other_data(part: tuple[Preprocessor, str | None]) -> bool:
    """Whether it reads a source's columns: of its levels, those in few rows have no name."""
    return isinstance(part[0], RenamedFields)


def _renamed(
    levels: Mapping[str, tuple[str, ...]], given: Mapping[str, str | None], alone: str | None
) -> dict[str, tuple[str, ...]]:
    """The levels under the names of the fields that come; a field that is missing in all rows has none."""
    named = {name: alone or given.get(name) for name in levels}
    return {named_so: levels[name] for name, named_so in named.items() if named_so is not None}
