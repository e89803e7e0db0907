"""Starting points: settings that a search liked on earlier tasks, so that the next one need not begin from nothing."""

from __future__ import annotations

import tomllib
from importlib.resources import files
from typing import Any


def starting_points(strategy: str, architecture: str) -> tuple[dict[str, Any], ...]:
    """Give settings by name, for networks of one architecture; none where no task was searched.

    The table is made by `bench/starting_points.py`.
    """
    table = tomllib.loads(files(__package__).joinpath("starting_points.toml").read_text(encoding="utf-8"))
    return tuple(
        point["settings"]
        for point in table.get("points", ())
        if (point["strategy"], point["architecture"]) == (strategy, architecture)
    )
