"""Try a tokenizer of unknown origin in another process, whose time and memory are limited."""

from __future__ import annotations

import json
import sys

from headstart.core.errors import SourceError
from headstart.engines.limited_process import LimitError, run_limited
from headstart.sources.tokenizer_limits import patterns_of

DEADLINE_S = 20
MEMORY_BYTES = 2 << 30
_N_CHARACTERS = 8_192
_PROBES = ("a", "A", "1", " ", "\n", "'", ".", "é", "漢", "a ", "a1", "'s ", "\r\n", "aA")
_N_LETTERS = 64


def try_tokenizer(content: bytes) -> None:
    """Build a tokenizer, and let it read long texts on which patterns are slow.

    Raises
    ------
    SourceError
        It took too long, or too much memory.
    """
    try:
        run_limited(__name__, content, deadline_s=DEADLINE_S, memory_bytes=MEMORY_BYTES)
    except LimitError as error:
        raise SourceError(
            f"the tokenizer does not read texts of {_N_CHARACTERS} characters within limits: {error}. "
            "Its patterns may be endlessly slow; use another tokenizer."
        ) from error


def main() -> None:
    """Try what standard input holds, in this process."""
    import tokenizers  # type: ignore[import-untyped, unused-ignore]

    content = sys.stdin.buffer.read()
    tokenizer = tokenizers.Tokenizer.from_buffer(content)
    # a pattern may be slow on what it names itself, with an end that does not fit
    letters = sorted(set("".join(patterns_of(json.loads(content)))))[:_N_LETTERS]
    end = "!" + "".join(letters) + "\u2603"
    for probe in (*_PROBES, *letters):
        tokenizer.encode((probe * _N_CHARACTERS)[:_N_CHARACTERS] + end)


if __name__ == "__main__":
    main()
