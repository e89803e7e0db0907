"""Starting points: settings that worked on earlier tasks."""

from __future__ import annotations

import tomllib
from dataclasses import replace
from importlib.resources import files
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from headstart.sources import Source
    from headstart.tuning.tuning_method import TuningMethod


def starting_points(method: str, kind: str) -> tuple[dict[str, Any], ...]:
    """Settings by name, the best first, for networks with a kind of preprocessor; empty if none were measured.

    `tools/starting_points.py` writes the table.
    """
    table = tomllib.loads(files(__package__).joinpath("starting_points.toml").read_text(encoding="utf-8"))
    return tuple(
        point["settings"] for point in table.get("points", ()) if (point["method"], point["input"]) == (method, kind)
    )


def with_default_settings(method: TuningMethod, source: Source) -> TuningMethod:
    """The method with the best starting point, or with its own settings if there is none."""
    points = starting_points(method.name, source.input.kind)
    return replace(method, settings=replace(method.settings, **points[0])) if points else method
