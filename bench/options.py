"""Options of a bench: `--quick` gives small defaults to the rest, so that the code is the same."""

from __future__ import annotations

import argparse
from typing import Any


def parser_of(doc: str) -> argparse.ArgumentParser:
    """Make a parser that says the first line of the program's docstring."""
    return argparse.ArgumentParser(description=doc.partition("\n")[0])


def names(text: str) -> list[str]:
    """Take names with commas between them apart, as the `type` of an argument.

    >>> names("questions,bbc")
    ['questions', 'bbc']
    """
    return [name for name in text.split(",") if name]


def numbers(text: str) -> list[int]:
    """Take whole numbers with commas between them apart, likewise.

    >>> numbers("10,200")
    [10, 200]
    """
    return [int(number) for number in names(text)]


def parse(parser: argparse.ArgumentParser, **quick: Any) -> argparse.Namespace:
    """Parse the command line; with `--quick`, `quick` has the defaults of the options named there."""
    parser.add_argument("--quick", action="store_true", help="the same on a little data, a minute at most")
    if parser.parse_known_args()[0].quick:
        parser.set_defaults(**quick)
    return parser.parse_args()
