"""JointInput as a graph: the same items are prepared for each network."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headstart.sources import fronts
from headstart.sources.inputs.joint import prefix_of

if TYPE_CHECKING:
    from headstart.sources.graph import GraphBuilder
    from headstart.sources.inputs.joint import JointInput


def attach(graph: GraphBuilder, prepared: JointInput, items: str, *, are_files: bool) -> dict[str, str]:
    """Prepare items for each network, the names of the values prefixed."""
    return {
        prefix_of(i) + name: value
        for i, part in enumerate(prepared.inputs)
        for name, value in fronts.attach(graph, part, items, are_files=are_files).items()
    }
