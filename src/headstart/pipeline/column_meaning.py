"""Columns whose names mean the same in other words: proposed to the user, never applied.

The names are compared by a small sentence encoder, if one is in the cache: nothing is fetched for a proposal.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from headstart.core.errors import UserError
from headstart.data.column_matching import ColumnMatches, Meaning
from headstart.data.name_likeness import words_of
from headstart.features import embed
from headstart.sources.catalogue import find
from headstart.sources.fetching import is_kept
from headstart.sources.opening import open_source

if TYPE_CHECKING:
    from collections.abc import Sequence

    from headstart.core.dataset import FloatArray
    from headstart.data.column_profiles import ColumnProfile

ENCODERS = ("potion-base-8m", "wordllama-256")
"""Static ones, which take milliseconds; the first that is in the cache is asked."""
_LEAST = 0.35  # cosine; of 22 pairs of names in other words 13 are above it and each other's nearest, and 1 wrong one (docs/log.md)


def with_meanings(
    matches: ColumnMatches, source: Sequence[ColumnProfile], target: Sequence[ColumnProfile]
) -> ColumnMatches:
    """The matches with proposals for columns that have none on either side: those whose names are nearest to each other."""
    kinds = {one.name: one.modality for one in target}
    open_sources = [one for one in source if one.name in matches.unmatched_source]
    open_targets = [name for name in matches.unmatched_target if name in kinds]
    likeness = _likeness([one.name for one in open_sources], open_targets)
    if likeness is None:
        return matches
    for i, one in enumerate(open_sources):
        likeness[i, [kinds[name] != one.modality for name in open_targets]] = -1.0
    found = tuple(
        Meaning(source=one.name, target=open_targets[j], likeness=float(likeness[i, j]))
        for i, one in enumerate(open_sources)
        for j in [int(likeness[i].argmax())]
        if likeness[i, j] >= _LEAST and int(likeness[:, j].argmax()) == i
    )
    return replace(matches, meanings=found)


def _likeness(left: Sequence[str], right: Sequence[str]) -> FloatArray | None:
    """Cosines of names, shape (n_left, n_right); None without names or an encoder at hand."""
    cards = [find(name) for name in ENCODERS]
    card = next((one for one in cards if is_kept(one)), None)
    if card is None or not left or not right:
        return None
    names = [" ".join(words_of(name)) or name for name in (*left, *right)]
    try:
        values = np.asarray(embed(names, open_source(card, stream=None), cache=False).values, np.float64)
    except UserError:  # a proposal is not worth an error
        return None
    values /= np.maximum(np.linalg.norm(values, axis=1, keepdims=True), 1e-12)
    return np.asarray(values[: len(left)] @ values[len(left) :].T)
