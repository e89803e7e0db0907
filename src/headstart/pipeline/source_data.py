"""Source data: the rows of another table of the user's, matched to the target's columns, for a fit on the rows of both."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from headstart.core.errors import OptionError
from headstart.data import load
from headstart.data.column_matching import ColumnMatch, match_columns
from headstart.data.column_profiles import profile_columns
from headstart.data.modalities import get_modality
from headstart.data.packed_columns import Categories, Numbers
from headstart.data.packed_sequence import taken
from headstart.evaluation.pooled_model import OtherRows, PooledModel
from headstart.pipeline.column_meaning import with_meanings

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from headstart.core.dataset import Dataset, FloatArray
    from headstart.core.dataset import Field as FieldOf
    from headstart.data.column_matching import ColumnMatches

MAX_ROWS = 20_000
"""Of more, so many are drawn: each fold fits them several times."""
_READ_OPTIONS = ("keep_case", "missing")


@dataclass(frozen=True, kw_only=True)
class SourceData:
    """Another table beside a target.

    Attributes
    ----------
    n_rows : that may be learned from
    n_same : rows of it that were left out, as the target has the same
    n_other_labels : rows of it that were left out, as the target does not know their label
    """

    name: str
    n_rows: int
    matches: ColumnMatches
    model: PooledModel
    n_same: int = 0
    n_other_labels: int = 0
    quality: Mapping[str, Any] = field(default_factory=dict)

    @property
    def sentence(self) -> str:
        """What was left out of it; empty if nothing was."""
        parts = [(self.n_same, "the same as one of yours"), (self.n_other_labels, "of a label that yours do not have")]
        said = ", ".join(f"{n:,} {why}" for n, why in parts if n)
        return f"Rows of '{self.name}' that were left out: {said}." if said else ""


def match_source_data(
    dataset: Dataset,
    data: Any,
    match: str | Iterable[str] | None = None,
    *,
    seed: int = 0,
    columns: Mapping[str, Any] | None = None,
) -> SourceData:
    """Read another table and match its columns and labels to those of a target.

    Parameters
    ----------
    data : whatever `headstart.load` takes, with the target's column under the same name
    match : columns as `match_columns` takes them, the other table as the source
    columns : how the target was read: `keep_case` and `missing` hold for both, and so does what a column of the same name is

    Raises
    ------
    DataError
        The table cannot be read.
    OptionError
        The target has no columns of a table, nothing is the same, or no row is left.
    """
    fields = tuple(one for one in dataset.fields if get_modality(one.modality).is_tabular)
    if not fields:
        raise OptionError(
            f"--source-data pools rows of tables, and '{dataset.name}' has {get_modality(dataset.fields[0].modality).plural} alone. Make a "
            "source of the other data with: headstart pretrain DATA --target COLUMN --out SOURCE, and give it as --source SOURCE"
        )
    other = _read(dataset, data, columns or {})
    profiles = profile_columns(other), profile_columns(dataset)
    matches = with_meanings(match_columns(*profiles, match), *profiles)
    by_target = {one.target: one for one in matches.matches if one.target is not None}
    if not any(one.name in by_target for one in fields):
        names = ", ".join(f"'{one.name}'" for one in other.fields[:8])
        raise OptionError(
            f"no column of '{dataset.name}' is like one of '{other.name}' ({names}). Say which are the same: "
            f"{' '.join(['--match target_column=column_of_source_data.', *(one.sentence for one in matches.meanings)])}"
        )
    values = {one.name: _filled(other, one, by_target.get(one.name)) for one in fields}
    return _without_leaks(dataset, other, matches, values, seed)


def _without_leaks(
    dataset: Dataset, other: Dataset, matches: ColumnMatches, values: Mapping[str, Sequence[Any]], seed: int
) -> SourceData:
    """Leave out rows that the target has too, which may be held out, and rows of labels that it does not know."""
    k = dataset.targets.shape[1]
    known = ~other.targets[:, k:].any(axis=1)
    own = set(_keys({name: dataset.values_of(name) for name in values}, dataset.targets))
    is_same = np.array([key in own for key in _keys(values, other.targets[:, :k])], bool)
    kept = np.flatnonzero(known & ~is_same)
    if not len(kept):
        raise OptionError(
            f"no row of '{other.name}' is left to learn from: {int((known & is_same).sum()):,} are the same as one of '{dataset.name}', and "
            f"{int((~known).sum()):,} have a label that it does not know. Leave --source-data out, or name other data."
        )
    if len(kept) > MAX_ROWS:
        kept = np.sort(np.random.default_rng(seed).choice(kept, MAX_ROWS, replace=False))
    rows = OtherRows(
        name=other.name,
        fields=tuple(one for one in dataset.fields if one.name in values),
        columns={name: taken(column, kept) for name, column in values.items()},
        targets=other.targets[kept, :k],
    )
    return SourceData(
        name=other.name,
        n_rows=len(kept),
        matches=matches,
        model=PooledModel(rows),
        n_same=int((known & is_same).sum()),
        n_other_labels=int((~known).sum()),
    )


def _read(dataset: Dataset, data: Any, columns: Mapping[str, Any]) -> Dataset:
    """Read it as the target was; a column of the same name is of the same kind."""
    target = dataset.columns.get("target") or None
    options = {name: value for name, value in columns.items() if name in _READ_OPTIONS}
    options |= {"task": dataset.task, "target": target}
    labels = dataset.labels if dataset.task_spec.has_probabilities else ()
    found = load(data, labels=labels, **options)
    modalities = {one.name: one.modality for one in dataset.fields}
    other_kinds = {
        one.name: modalities[one.name]
        for one in found.fields
        if one.name in modalities and modalities[one.name] != one.modality
    }
    if not other_kinds:
        return found
    return load(data, labels=labels, **options, columns=other_kinds)


def _filled(other: Dataset, wanted: FieldOf, match: ColumnMatch | None) -> Sequence[Any]:
    """The other's values of a field of the target; missing in all rows where no column is like it."""
    if match is None:
        n = len(other)
        is_category = get_modality(wanted.modality).null_value == ""
        return Categories(np.full(n, -1, np.int32), ()) if is_category else Numbers(np.full(n, np.nan))
    values = other.values_of(match.source)
    if match.scale == 1.0:
        return values
    return Numbers(np.array([float(value) for value in values]) / match.scale)


def _keys(columns: Mapping[str, Sequence[Any]], targets: FloatArray) -> list[tuple[Any, ...]]:
    """Rows as values that can be compared, with their targets; what is missing equals itself."""
    plain = [[None if value != value else value for value in column] for column in columns.values()]  # noqa: PLR0124  (NaN)
    return list(zip(*plain, map(tuple, targets.tolist()), strict=True))
