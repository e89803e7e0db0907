"""Look into a graph of unknown origin before anything opens it."""

from __future__ import annotations

import os

from headstart.engines.limited_process import LimitError
from headstart.onnx_graph.folding import folds_quickly
from headstart.onnx_graph.scan import GraphScan, scan
from headstart.onnx_graph.trial import try_graph

MAX_NODES = 100_000
_YES = ("1", "on", "yes", "true")
TRUST_REMEDY = "If you trust who made it, allow it with --trust-graphs or HEADSTART_TRUST_GRAPHS=1."


class RefusedGraphError(Exception):
    """Why a graph is not opened: an end of a sentence that begins with its name, and what to do."""


def graphs_are_trusted(given: bool | None = None) -> bool:
    """Whether graphs may have any operators of the runtime's own; what `HEADSTART_TRUST_GRAPHS` says, where nothing is given."""
    return os.environ.get("HEADSTART_TRUST_GRAPHS", "").lower() in _YES if given is None else given


def vet(model: bytes, *, trust_graphs: bool | None = None) -> None:
    """Refuse a model that reaches for other files or code, or whose opening may have no end.

    Parameters
    ----------
    trust_graphs : whether its maker is trusted not to waste time and memory; None for what the environment says. Other files
        and code are refused in any case

    Raises
    ------
    RefusedGraphError
        It is refused.
    ValueError
        The bytes are not an ONNX model.
    """
    found = scan(model)
    if found.has_external_data:
        raise RefusedGraphError("wants to read other files (external data). Do not trust it.")
    if found.custom:
        raise RefusedGraphError(
            f"has custom operators, which code of others would run ({', '.join(found.custom[:5])}). Do not trust it."
        )
    if graphs_are_trusted(trust_graphs):
        return
    refuse_unbounded(found)
    if not folds_quickly(model):
        try:
            try_graph(model)
        except LimitError as error:
            raise RefusedGraphError(f"cannot be opened within limits: {error}. {TRUST_REMEDY}") from error


def refuse_unbounded(found: GraphScan) -> None:
    """Refuse what can run without end, or become larger than it is written.

    Raises
    ------
    RefusedGraphError
        It has operators off the list, graphs within the graph, functions, or too many nodes.
    """
    if found.unlisted:
        raise RefusedGraphError(
            f"has operators that are not on the list of those whose work is bounded ({', '.join(found.unlisted[:5])}). "
            f"{TRUST_REMEDY}"
        )
    if found.has_subgraphs or found.has_functions:
        what = "graphs within its graph" if found.has_subgraphs else "operators that it defines itself"
        raise RefusedGraphError(f"has {what}. {TRUST_REMEDY}")
    if found.n_nodes > MAX_NODES:
        raise RefusedGraphError(f"has {found.n_nodes} nodes; {MAX_NODES} are allowed. {TRUST_REMEDY}")
