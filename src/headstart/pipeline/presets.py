"""Presets: what 'fast', 'balanced' and 'best' mean in time and candidates."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from headstart.core.errors import unknown_name
from headstart.ranking import Halving

if TYPE_CHECKING:
    from headstart.evaluation.baseline import Cost


@dataclass(frozen=True, kw_only=True)
class Preset:
    """What a word stands for; an option of its own goes before it.

    Attributes
    ----------
    budget_s : the time that it promises for `ORDINARY_ITEMS` items on two cores, in seconds
    halving : how many items the candidates are ranked on
    baselines : what the model is proven against, as far as there is time
    max_size_mib : largest source that is looked at where none is named: what is larger is slow, and long to fetch
    max_sources : how many sources the model may read
    tunes : whether networks are tuned, as far as there is time
    max_methods : how many ways of tuning are tried; None for all that suit
    max_held_out : folds are used until so many items were held out; None for all folds
    tries_context : whether a network that reads a table as its context is tried where none is named
    """

    budget_s: float
    halving: Halving = field(default_factory=Halving)
    baselines: Cost = "full"
    max_size_mib: float | None = 200.0
    max_sources: int = 2
    tunes: bool = True
    max_methods: int | None = 1
    max_held_out: int | None = None
    tries_context: bool = False

    def seconds_for(self, n_items: int) -> float:
        """The time that it promises for some items: it grows with the square root of their number.

        >>> preset_named("balanced").seconds_for(100), preset_named("balanced").seconds_for(2000)
        (180.0, 360.0)
        """
        return self.budget_s * math.sqrt(max(1.0, n_items / ORDINARY_ITEMS))


ORDINARY_ITEMS = 500
_PRESETS = {
    "fast": Preset(budget_s=30.0, halving=Halving(cap=96), baselines="simple", tunes=False, max_held_out=200),
    "balanced": Preset(budget_s=180.0),
    "best": Preset(budget_s=900.0, max_sources=3, max_methods=None, tries_context=True),
}


def preset_named(name: str) -> Preset:
    """Find a preset.

    Raises
    ------
    OptionError
        There is none of that name; the message gives the nearest.

    >>> preset_named("fast").budget_s
    30.0
    """
    if name not in _PRESETS:
        raise unknown_name("preset", name, _PRESETS)
    return _PRESETS[name]
