"""Starting points: settings that worked on earlier tasks."""

from __future__ import annotations

import tomllib
from dataclasses import replace
from importlib.resources import files
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from headstart.sources import Source
    from headstart.tuning.tuning_method import TuningMethod


def starting_points(method: str, kind: str, *, batch_norms: bool = False) -> tuple[dict[str, Any], ...]:
    """Settings by name, the best first; empty if none were measured.

    `tools/starting_points.py` writes the table.

    Parameters
    ----------
    method : name of the tuning method
    kind : of the preprocessor in front of the network
    batch_norms : whether the network has batch norms: networks without them, such as vision transformers, need other rates
    """
    table = tomllib.loads(files(__package__).joinpath("starting_points.toml").read_text(encoding="utf-8"))
    wanted = (method, kind, batch_norms)
    return tuple(
        point["settings"]
        for point in table.get("points", ())
        if (point["method"], point["input"], point["batch_norms"]) == wanted
    )


def points_for(method: TuningMethod, source: Source) -> tuple[dict[str, Any], ...]:
    """The starting points of a method for networks like that of a source."""
    return starting_points(method.name, source.input.kind, batch_norms=has_batch_norms(source))


def with_default_settings(method: TuningMethod, source: Source) -> TuningMethod:
    """The method with the best starting point, or with its own settings if there is none."""
    points = points_for(method, source)
    return replace(method, settings=replace(method.settings, **points[0])) if points else method


def has_batch_norms(source: Source) -> bool:
    """Whether the network has batch norms, by the names of its arrays."""
    return any(name.endswith("running_var") for name in source.state())
