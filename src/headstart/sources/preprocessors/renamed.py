"""RenamedFields: rows of one table as rows of another, whose preprocessor then reads them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from headstart.core.dataset import Field
from headstart.core.errors import SourceError
from headstart.data.modalities import get_modality
from headstart.data.packed_columns import Categories, Numbers
from headstart.data.rows import Rows, column_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from headstart.core.model import Batch, Preprocessor


@dataclass(frozen=True, kw_only=True)
class FilledField:
    """A field of the other table, and what fills it.

    Attributes
    ----------
    field : as the preprocessor knows it
    given : name of the field of the rows that come; None where it is missing in all of them
    scale : that a number is multiplied by
    """

    field: Field
    given: str | None
    scale: float = 1.0


@dataclass(frozen=True, kw_only=True)
class RenamedFields:
    """A preprocessor of rows before which fields are renamed, scaled or filled as missing.

    Attributes
    ----------
    inner : what reads the rows then
    fields : of those rows, in their order
    is_alone : whether items are the values of the one field that is given, rather than rows
    """

    kind: ClassVar[str] = "renamed"
    modality: ClassVar[str | None] = "row"
    inner: Preprocessor
    fields: tuple[FilledField, ...]
    is_alone: bool = False

    @classmethod
    def build(cls, settings: Mapping[str, Any], files: Mapping[str, bytes]) -> RenamedFields:
        """Rebuild it from its settings and the files of the inner preprocessor.

        Raises
        ------
        SourceError
            A setting is missing or damaged.
        """
        from headstart.sources import preprocessors

        try:
            inner, said = settings["inner"], settings["fields"]
            fields = tuple(
                FilledField(
                    field=Field(str(one["name"]), str(one["modality"])),
                    given=None if one["given"] is None else str(one["given"]),
                    scale=float(one.get("scale", 1.0)),
                )
                for one in said
            )
            return cls(
                inner=preprocessors.build(inner["kind"], inner["settings"], files),
                fields=fields,
                is_alone=bool(settings["is_alone"]),
            )
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise SourceError(
                f"the settings of a preprocessor of renamed fields are invalid ({error!r}). Save the model again."
            ) from error

    def transform(self, items: Sequence[Any]) -> Batch:
        """Rename, scale and fill, then preprocess."""
        return self.inner.transform(self.rows(items))

    def rows(self, items: Sequence[Any]) -> Sequence[Any]:
        """The rows of the other table; its values where it has one field alone."""
        columns = {one.field.name: self._column(items, one) for one in self.fields}
        return next(iter(columns.values())) if len(columns) == 1 else Rows(columns)

    def settings(self) -> dict[str, Any]:
        """The inner preprocessor, and each field with what fills it."""
        return {
            "inner": {"kind": self.inner.kind, "settings": self.inner.settings()},
            "is_alone": self.is_alone,
            "fields": [
                {
                    "name": one.field.name,
                    "modality": one.field.modality,
                    "given": one.given,
                    **({} if one.scale == 1.0 else {"scale": one.scale}),
                }
                for one in self.fields
            ],
        }

    def files(self) -> Mapping[str, bytes]:
        """Those of the inner preprocessor."""
        return self.inner.files()

    def _column(self, items: Sequence[Any], one: FilledField) -> Sequence[Any]:
        if one.given is None:
            return missing_column(one.field.modality, len(items))
        values = items if self.is_alone else column_of(items, one.given)
        if one.scale == 1.0:
            return values
        array = values.array if isinstance(values, Numbers) else np.array([_number(value) for value in values])
        return Numbers(array * one.scale)


def missing_column(modality: str, n_items: int) -> Sequence[Any]:
    """A column of which no row has a value."""
    null = get_modality(modality).null_value
    if isinstance(null, float) and math.isnan(null):
        return Numbers(np.full(n_items, np.nan))
    if null == "" and modality != "text":
        return Categories(np.full(n_items, -1, np.int32), ())
    return [null] * n_items


def _number(value: Any) -> float:
    return math.nan if value is None else float(value)
