"""Starting points: settings that served earlier tasks, so that the next one need not begin from nothing."""

from __future__ import annotations

import tomllib
from dataclasses import replace
from importlib.resources import files
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from headstart.sources import Source
    from headstart.tuning.strategy import Strategy


def starting_points(strategy: str, kind: str) -> tuple[dict[str, Any], ...]:
    """Give settings by name, the best first, for networks that read inputs of one kind; none where no task was tried.

    The table is made by `tools/starting_points.py`.
    """
    table = tomllib.loads(files(__package__).joinpath("starting_points.toml").read_text(encoding="utf-8"))
    return tuple(
        point["settings"]
        for point in table.get("points", ())
        if (point["strategy"], point["input"]) == (strategy, kind)
    )


def begun(strategy: Strategy, source: Source) -> Strategy:
    """The strategy with the first of those settings, its own where there is none."""
    points = starting_points(strategy.name, source.input.kind)
    return replace(strategy, settings=replace(strategy.settings, **points[0])) if points else strategy
