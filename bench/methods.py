"""The tuning methods that benches name: which can be tried on a task, and what stands for all of them together."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headstart.core import registry
from headstart.core.tasks import get_task
from headstart.sources import open_source

if TYPE_CHECKING:
    from bench.tasks import Task

SELECTION = "best"
"""The title of a row of all methods together, by the name of the preset that tunes so."""


def supported(task: Task) -> list[str]:
    """Methods that can be tried on the task's source at all."""
    source, kind = open_source(task.source), get_task("multiclass")
    names = registry.names("tuning_methods")
    return [name for name in names if registry.get("tuning_methods", name)().supports(source, kind)]
