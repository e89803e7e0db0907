"""Run a source's network, and check that it gives a row for each item."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from headstart.core.errors import SourceError, first_line
from headstart.onnx_graph.session import runtime_errors

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from headstart.core.model import Batch
    from headstart.sources.source import Source


def feature_rows(source: Source, session: Any, batch: Batch, n_items: int) -> NDArray[np.float32]:
    """Run a source's session on a prepared batch, shape (n_items, dimensions).

    Raises
    ------
    SourceError
        The network does not take the batch, such as ids beyond its vocabulary, or gives other rows than one for each item.
    """
    try:
        rows: NDArray[np.float32] = session.run(None, batch)[0]
    except runtime_errors() as error:
        raise SourceError(
            f"{source.name}: the network does not take what its preprocessing gives ({first_line(error)}). If you added it, add it "
            "again with the tokenizer and the settings that it was trained with."
        ) from error
    if rows.shape != (n_items, source.dimensions):
        raise SourceError(
            f"{source.name}: the network gives {rows.shape} for {n_items} items; ({n_items}, {source.dimensions}) was expected. "
            "If you added it, export it with a batch axis of any length and add it again."
        )
    return rows
