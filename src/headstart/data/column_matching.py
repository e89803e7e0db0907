"""Match the columns of a target's table to those of a source, by name, modality, unit and content; shown, and overridable.

Only aggregates of the source are needed (`data.column_profiles`). A change of unit is proposed where the quantiles differ by a known
factor, and never applied unless the user says so: `--match price=price_cents*0.01`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from headstart.core.errors import OptionError, unknown_name
from headstart.core.words import listed_words
from headstart.data.name_likeness import name_likeness

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from headstart.data.column_profiles import ColumnProfile

_FACTORS = {
    1e3: "thousands, or kilo",
    1e2: "hundredths, such as cents, or a percentage",
    1e6: "millions",
    12.0: "months and years",
    24.0: "hours and days",
    60.0: "minutes and hours, or seconds and minutes",
    365.25: "days and years",
    3600.0: "seconds and hours",
    2.20462: "kilograms and pounds",
    1.60934: "miles and kilometres",
    2.54: "inches and centimetres",
    3.28084: "metres and feet",
    4.18400: "calories and joules",
}
_TOLERANCE = 0.12  # of the logarithm of a factor: quantiles of two samples are never the same
_LIKE = 0.55  # a lower score is no match
_MANY_SHARED = (4, 0.9)  # levels, and their share of the rows, by which categories of other names are one column


@dataclass(frozen=True, kw_only=True)
class ColumnMatch:
    """A column of the source, and what fills it.

    Attributes
    ----------
    target : name of the target's column; None where the source's column is taken as missing
    why : in words
    scale : that the target's values are multiplied by, as the user said
    proposed_scale : that would bring them to the source's unit, as it seems; None where nothing seems to be needed
    """

    source: str
    target: str | None
    score: float = 0.0
    why: str = ""
    scale: float = 1.0
    proposed_scale: float | None = None


@dataclass(frozen=True, kw_only=True)
class Meaning:
    """Two columns without a match whose names may mean the same; `likeness` is at most 1."""

    source: str
    target: str
    likeness: float

    @property
    def sentence(self) -> str:
        """What the user may want to say.

        >>> Meaning(source="revenue", target="takings", likeness=0.612).sentence
        "'takings' may be the source's 'revenue', by the meaning of their names (0.61 of 1). If so, write --match takings=revenue"
        """
        return (
            f"'{self.target}' may be the source's '{self.source}', by the meaning of their names ({self.likeness:.2f} of 1). "
            f"If so, write --match {self.target}={self.source}"
        )


@dataclass(frozen=True, kw_only=True)
class ColumnMatches:
    """All columns of a source, in its order, and the target's columns that none of them is; `meanings` are proposed, not applied."""

    matches: tuple[ColumnMatch, ...]
    unmatched_target: tuple[str, ...]
    meanings: tuple[Meaning, ...] = ()

    @property
    def n_matched(self) -> int:
        """How many of the source's columns are filled."""
        return sum(one.target is not None for one in self.matches)

    @property
    def unmatched_source(self) -> tuple[str, ...]:
        """The source's columns that are taken as missing."""
        return tuple(one.source for one in self.matches if one.target is None)

    def to_dicts(self) -> tuple[dict[str, Any], ...]:
        """Of each of the source's columns `source`, `target`, `why` and `scale`, as JSON values."""
        return tuple(
            {"source": one.source, "target": one.target or "", "why": one.why, "scale": one.scale}
            for one in self.matches
        )

    def table(self) -> str:
        """The match as lines of text, one a column."""
        rows = [("source", "target", "because")]
        for one in self.matches:
            said = one.why if one.scale == 1.0 else f"{one.why}, times {one.scale:g}"
            rows.append((one.source, one.target or "(missing)", said))
        rows += [("(not read)", name, "the source has no such column") for name in self.unmatched_target]
        widths = [max(len(row[i]) for row in rows) for i in range(2)]
        return "\n".join(f"{a:<{widths[0]}}  {b:<{widths[1]}}  {c}".rstrip() for a, b, c in rows)

    def proposals(self) -> tuple[str, ...]:
        """What the user may want to say about units, a sentence each."""
        return tuple(
            f"'{one.target}' may be in another unit than the source's '{one.source}' ({unit_of(one.proposed_scale)}). "
            f"If so, write --match {one.target}={one.source}*{one.proposed_scale:g}"
            for one in self.matches
            if one.proposed_scale is not None and one.scale == 1.0
        )


def match_columns(
    source: Sequence[ColumnProfile], target: Sequence[ColumnProfile], given: str | Iterable[str] | None = None
) -> ColumnMatches:
    """Match each column of the source to at most one of the target.

    Parameters
    ----------
    given : what the user says, 'target=source', with '*0.01' behind it for a change of unit; 'target=' leaves that column out

    Raises
    ------
    OptionError
        `given` names a column that is not there, one twice, or columns of different modalities.
    """
    sources, targets = {one.name: one for one in source}, {one.name: one for one in target}
    found, left_out = _given(given, sources, targets)
    taken = {one.target for one in found.values()} | left_out
    pairs = [
        _compare(a, b)
        for a in source
        if a.name not in found
        for b in target
        if b.name not in taken and b.modality == a.modality
    ]
    for one in sorted(pairs, key=lambda one: -one.score):
        if one.score >= _LIKE and one.source not in found and one.target not in taken:
            found[one.source] = one
            taken.add(one.target)
    matches = tuple(
        found.get(name, ColumnMatch(source=name, target=None, why="no column is like it")) for name in sources
    )
    used = {one.target for one in matches}
    return ColumnMatches(matches=matches, unmatched_target=tuple(name for name in targets if name not in used))


def unit_scale(source: Sequence[float], target: Sequence[float]) -> float | None:
    """The factor by which a target's quantiles would have to be multiplied to be the source's, if it is a known one.

    >>> unit_scale([1, 2, 5, 10, 20], [105, 195, 510, 1020, 1980])
    0.01
    """
    pairs = [(a, b) for a, b in zip(source, target, strict=True) if a * b > 0]
    if len(pairs) < 3:
        return None
    logs = np.log([a / b for a, b in pairs])
    middle = float(np.median(logs))
    if float(np.median(np.abs(logs - middle))) > _TOLERANCE:
        return None
    for factor in _FACTORS:
        for known in (factor, 1 / factor):
            if abs(middle - math.log(known)) < _TOLERANCE:
                return float(f"{known:.6g}")
    return None


def unit_of(scale: float | None) -> str:
    """What a known factor stands between.

    >>> unit_of(0.01)
    'hundredths, such as cents, or a percentage'
    """
    return next(
        (said for factor, said in _FACTORS.items() if scale and abs(abs(math.log(scale)) - math.log(factor)) < 1e-3), ""
    )


def _compare(source: ColumnProfile, target: ColumnProfile) -> ColumnMatch:
    """How much two columns of one modality are alike, and why."""
    likeness, said = name_likeness(source.name, target.name)
    match = ColumnMatch(source=source.name, target=target.name, score=likeness, why=said)
    if source.levels is not None and target.levels is not None:
        return _compare_levels(match, source.levels, target.levels)
    if source.quantiles and target.quantiles:
        scale = unit_scale(source.quantiles, target.quantiles)
        overlap = _overlap(source.quantiles, [value * (scale or 1.0) for value in target.quantiles])
        why = said + (f", but another unit: {unit_of(scale)}?" if scale else "")
        # what is like by name is the same column wherever its values lie: other data has other values
        return replace(match, score=likeness + 0.1 * (overlap - 0.5), why=why, proposed_scale=scale)
    return match


def _compare_levels(match: ColumnMatch, source: Mapping[str, float], target: Mapping[str, float]) -> ColumnMatch:
    plain = {level.strip().casefold() for level in source}
    known = [level for level in target if level.strip().casefold() in plain]
    share = sum(target[level] for level in known) / max(sum(target.values()), 1e-12)
    if match.score < _LIKE and len(known) >= _MANY_SHARED[0] and share >= _MANY_SHARED[1]:
        return replace(match, score=0.6, why=f"{len(known)} levels are the same")
    if not known and source and target:
        return replace(match, score=match.score - 0.2, why=f"{match.why}, but no level is the same")
    return replace(
        match,
        score=match.score + 0.1 * (share - 0.5),
        why=f"{match.why}; {len(known)} of {len(target)} levels are known",
    )


def _overlap(source: Sequence[float], target: Sequence[float]) -> float:
    """Of the ranges of the outermost quantiles, what both share, 0 to 1."""
    low, high = max(source[0], target[0]), min(source[-1], target[-1])
    whole = max(source[-1], target[-1]) - min(source[0], target[0])
    return max(0.0, high - low) / whole if whole > 0 else 1.0


def _given(
    given: str | Iterable[str] | None, sources: Mapping[str, ColumnProfile], targets: Mapping[str, ColumnProfile]
) -> tuple[dict[str, ColumnMatch], set[str | None]]:
    """What the user says: matches by the source's column, and target columns that are left out."""
    found: dict[str, ColumnMatch] = {}
    left_out: set[str | None] = set()
    for word in listed_words(given or ()):
        name, separator, wanted = (part.strip() for part in word.partition("="))
        if not separator:
            raise OptionError(f"'{word}' of --match is not of the form target_column=source_column.")
        if name not in targets:
            raise unknown_name("column of the target (for --match)", name, targets)
        if not wanted:
            left_out.add(name)
            continue
        wanted, scale = _scaled(wanted, word, sources)
        if wanted not in sources:
            raise unknown_name("column of the source (for --match)", wanted, sources)
        if wanted in found or name in {one.target for one in found.values()}:
            raise OptionError(f"--match names a column twice, in '{word}'. Match each column once.")
        if sources[wanted].modality != targets[name].modality:
            kinds = f"a {targets[name].modality}, and '{wanted}' of the source a {sources[wanted].modality}"
            raise OptionError(f"--match {word}: '{name}' is {kinds}. Say what it is with --columns.")
        found[wanted] = ColumnMatch(source=wanted, target=name, score=1.0, why="you said so", scale=scale)
    return found, left_out


def _scaled(wanted: str, word: str, sources: Mapping[str, ColumnProfile]) -> tuple[str, float]:
    """The column and the factor of 'column*0.01'; a column whose name has a star in it goes before."""
    if wanted in sources or "*" not in wanted:
        return wanted, 1.0
    name, _, factor = wanted.rpartition("*")
    try:
        scale = float(factor)
    except ValueError:
        scale = 0.0
    if not (math.isfinite(scale) and scale != 0):
        raise OptionError(
            f"--match {word}: '{factor}' is no factor other than 0. Write a number, as in price=price_cents*0.01."
        )
    return name.strip(), scale
