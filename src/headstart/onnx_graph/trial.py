"""Open a graph of unknown origin in another process first, whose time and memory are limited.

What a runtime computes while it opens a graph cannot be interrupted in the own process.
"""

from __future__ import annotations

import io
import sys
from contextlib import suppress
from typing import TYPE_CHECKING

import numpy as np

from headstart.engines.limited_process import run_limited

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

DEADLINE_S = 30
MEMORY_BYTES = 4 << 30  # beside four times the graph
_LENGTH_BYTES = 8


def try_graph(model: bytes, feeds: Mapping[str, NDArray[np.generic]] | None = None) -> None:
    """Open a model, and run it once if there are arrays for its inputs.

    Raises
    ------
    LimitError
        It took too long, or too much memory.
    """
    arrays = io.BytesIO()
    np.savez(arrays, allow_pickle=False, **dict(feeds or {}))
    given = len(model).to_bytes(_LENGTH_BYTES, "little") + model + (arrays.getvalue() if feeds else b"")
    run_limited(__name__, given, deadline_s=DEADLINE_S, memory_bytes=MEMORY_BYTES + 4 * len(model))


def main() -> None:
    """Try what standard input holds, in this process."""
    from headstart.onnx_graph.session import open_session

    given = sys.stdin.buffer.read()
    end = _LENGTH_BYTES + int.from_bytes(given[:_LENGTH_BYTES], "little")
    with suppress(Exception):  # what it refuses, it will refuse again
        session = open_session(given[_LENGTH_BYTES:end], threads=1)
        if given[end:]:
            with np.load(io.BytesIO(given[end:]), allow_pickle=False) as feeds:
                session.run(None, dict(feeds))


if __name__ == "__main__":
    main()
