"""Presets: what 'fast', 'balanced' and 'best' mean in time and candidates."""

from __future__ import annotations

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
    halving : how many items the candidates are ranked on
    baselines : what the model is proven against
    max_size_mib : largest source that is looked at where none is named: what is larger is slow, and long to fetch
    max_sources : how many sources may be blended into one model
    tunes : whether networks are tuned, where that pays, above the closed-form head
    budget_s : time for everything, in seconds; None for no limit
    """

    halving: Halving = field(default_factory=Halving)
    baselines: Cost = "full"
    max_size_mib: float | None = 200.0
    max_sources: int = 1
    tunes: bool = False
    budget_s: float | None = None


_PRESETS = {
    "fast": Preset(halving=Halving(cap=96), baselines="simple", max_size_mib=100.0, budget_s=60.0),
    "balanced": Preset(),
    "best": Preset(max_size_mib=None, max_sources=3, tunes=True),
}


def preset_named(name: str) -> Preset:
    """Find a preset.

    Raises
    ------
    OptionError
        There is none of that name; the message gives the nearest.

    >>> preset_named("fast").budget_s
    60.0
    """
    if name not in _PRESETS:
        raise unknown_name("preset", name, _PRESETS)
    return _PRESETS[name]
