"""Choose the source: the one that was named, or the best of a ranking within the limits."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headstart.core.errors import OptionError
from headstart.ranking import Limits, candidates, rank
from headstart.sources import find, open_source

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import TextIO

    from headstart.core.dataset import Dataset
    from headstart.engines.clock import Clock
    from headstart.ranking import Halving, Ranking
    from headstart.sources import Source


def names_of(source: str | Sequence[str] | None) -> list[str] | None:
    """Names of candidates, given as a list or as words with commas between; None for all of the data's modality.

    Raises
    ------
    OptionError
        One is not known, or there is none.

    >>> names_of("wordllama-256, all-minilm-l6-v2")
    ['wordllama-256', 'all-minilm-l6-v2']
    """
    if source is None:
        return None
    words = source.split(",") if isinstance(source, str) else source
    names = [word.strip() for word in words]
    if not names:
        raise OptionError("source must name at least one, but none came. Name one, or leave it out.")
    for name in names:
        find(name)
    return names


def choose_source(
    dataset: Dataset,
    names: Sequence[str] | None,
    limits: Limits,
    *,
    halving: Halving,
    clock: Clock,
    seed: int,
    progress: TextIO | None,
) -> tuple[Source, Ranking | None]:
    """Open the one source that was named, or rank the candidates and open the best.

    Raises
    ------
    OptionError
        No source is within the limits, or one that was named reads other items.
    """
    if names is not None and len(names) == 1 and limits == Limits():
        (card,) = candidates(dataset, names)
        return open_source(card, sink=progress), None
    ranking = rank(dataset, sources=names, limits=limits, halving=halving, clock=clock, seed=seed, progress=progress)
    return open_source(ranking.best.name, sink=progress), ranking
