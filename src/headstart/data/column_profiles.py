"""Column profiles: what is known of a table's columns without any of its rows: quantiles of numbers, frequent levels of categories."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from headstart.core.errors import DataError
from headstart.data.modalities import get_modality
from headstart.data.packed_columns import Categories, Numbers

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from headstart.core.arrays import FloatArray
    from headstart.core.dataset import Dataset

QUANTILES = (0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95)
MIN_COUNT = 5
"""A level in fewer rows may tell who they are of, so it is not listed; nor are quantiles of so few numbers."""
_MAX_LEVELS = 200
_DAY_S = 86_400.0


@dataclass(frozen=True, kw_only=True)
class ColumnProfile:
    """One column, in aggregates alone.

    Attributes
    ----------
    modality : name of the modality of its values
    missing : share of rows without a value, to two digits
    quantiles : at `QUANTILES`, of a number or a date; empty otherwise, and where fewer than 20 rows have a value
    levels : share of the rows of each level that occurs at least `MIN_COUNT` times, the most frequent first; empty unless a category
    """

    name: str
    modality: str
    missing: float = 0.0
    quantiles: tuple[float, ...] = ()
    levels: Mapping[str, float] | None = None

    def to_dict(self) -> dict[str, Any]:
        """As JSON values."""
        said: dict[str, Any] = {"name": self.name, "modality": self.modality, "missing": self.missing}
        if self.quantiles:
            said["quantiles"] = list(self.quantiles)
        if self.levels is not None:
            said["levels"] = dict(self.levels)
        return said

    @classmethod
    def from_dict(cls, said: Mapping[str, Any]) -> ColumnProfile:
        """Inverse of `to_dict`.

        Raises
        ------
        DataError
            It is not as `to_dict` writes it.
        """
        try:
            levels = said.get("levels")
            return cls(
                name=str(said["name"]),
                modality=str(said["modality"]),
                missing=float(said["missing"]),
                quantiles=tuple(float(value) for value in said.get("quantiles", ())),
                levels=None if levels is None else {str(key): float(value) for key, value in levels.items()},
            )
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise DataError(f"a column's profile is damaged ({error!r}). Make the source again.") from error


def profile_columns(dataset: Dataset) -> tuple[ColumnProfile, ...]:
    """Profile each field of a dataset."""
    return tuple(_profile(field.name, field.modality, dataset.values_of(field.name)) for field in dataset.fields)


def usual_values(dataset: Dataset) -> tuple[dict[str, Any], ...]:
    """Name, modality, missing share and quantiles of each tabular field, as JSON values, without the names of levels."""
    named = {field.name for field in dataset.fields if get_modality(field.modality).is_tabular}
    return tuple(replace(one, levels=None).to_dict() for one in profile_columns(dataset) if one.name in named)


def _profile(name: str, modality: str, values: Sequence[Any]) -> ColumnProfile:
    if isinstance(values, Numbers):
        known = values.array[np.isfinite(values.array)]
        is_enough = len(known) >= 4 * MIN_COUNT
        said = _quantiles(known, _DAY_S if get_modality(modality).is_time else 1.0) if is_enough else ()
        return ColumnProfile(
            name=name, modality=modality, missing=_share(len(values) - len(known), len(values)), quantiles=said
        )
    if isinstance(values, Categories):
        counts = Counter(dict(enumerate(np.bincount(values.codes[values.codes >= 0]).tolist())))
        levels = {
            values.levels[code]: round(count / len(values), 4)
            for code, count in counts.most_common(_MAX_LEVELS)
            if count >= MIN_COUNT
        }
        n_missing = int(np.count_nonzero(values.codes < 0))
        return ColumnProfile(name=name, modality=modality, missing=_share(n_missing, len(values)), levels=levels)
    return ColumnProfile(name=name, modality=modality)


def _quantiles(known: FloatArray, unit: float) -> tuple[float, ...]:
    """To six figures; whole units where all numbers are such, so that no child is halved and no day has an hour."""
    found = np.quantile(known, QUANTILES)
    if np.all(known % unit == 0):
        return tuple(float(value) for value in np.round(found / unit) * unit)
    return tuple(float(f"{value:.6g}") for value in found)


def _share(count: int, total: int) -> float:
    return round(count / max(total, 1), 2)
