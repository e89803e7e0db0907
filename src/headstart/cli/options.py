"""Options that several commands share, and how their words become values."""

from __future__ import annotations

import re
from typing import Annotated, TypeVar

import typer

from headstart.core.errors import OptionError

Data = Annotated[
    str,
    typer.Argument(
        metavar="DATA",
        help="An image folder with a subfolder a class, or a CSV, TSV, JSON Lines, Parquet or Excel file.",
    ),
]
BundlePath = Annotated[str, typer.Argument(metavar="BUNDLE", help="The folder that `headstart fit` wrote.")]
Trust = Annotated[
    str | None,
    typer.Option(
        "--trust",
        metavar="FILE",
        help="Public keys, one a line: one of them must have signed BUNDLE. HEADSTART_TRUST if not given.",
    ),
]
TrustGraphs = Annotated[
    bool,
    typer.Option(
        "--trust-graphs",
        help="Open networks with loops, conditionals and whatever else may run without end. HEADSTART_TRUST_GRAPHS=1 everywhere.",
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print figures for machines on standard output.")]
Input = Annotated[
    str | None,
    typer.Option(
        "--input",
        help="Column that holds the text or the image's path; several, with commas between, make rows of fields; all for a whole table.",
    ),
]
InputColumn = Annotated[
    str | None, typer.Option("--input", help="Column that holds the text or the image's path; guessed if not given.")
]
Target = Annotated[
    str | None, typer.Option("--target", help="Column to predict; several, with commas between, for multi-label.")
]
Task = Annotated[str | None, typer.Option("--task", help="binary, multiclass, multilabel or regression.")]
KeepCase = Annotated[
    bool, typer.Option("--keep-case", help="Labels that differ in letter case alone are two: 'a' and 'A'.")
]
Missing = Annotated[
    str | None,
    typer.Option(
        "--missing",
        metavar="WORDS",
        help="Words that mean that a row has no label, with commas between; '' for blank cells alone.",
    ),
]
Group = Annotated[
    str | None,
    typer.Option("--group", help="Column whose equal values stay on one side of every split (a patient, a site)."),
]
Time = Annotated[
    str | None, typer.Option("--time", help="Column to prove along: learn from the earlier, predict the later.")
]
Split = Annotated[
    str | None,
    typer.Option(
        "--split",
        metavar="COLUMN",
        help="Column that says train, validation or test of each row; none where none does.",
    ),
]
Columns = Annotated[
    str | None,
    typer.Option(
        "--columns",
        metavar="NAME:KIND,…",
        help="What columns of a table hold: number, category, date, text, image or ignore.",
    ),
]
Sql = Annotated[
    str | None,
    typer.Option("--sql", metavar="QUERY", help="What to read of a database: DATA is its URL or a SQLite file then."),
]
Sheet = Annotated[
    str | None,
    typer.Option("--sheet", metavar="NAME", help="Which sheet of a spreadsheet; needed where several hold something."),
]
Images = Annotated[
    str | None,
    typer.Option(
        "--images",
        metavar="FOLDER",
        help="Where the files lie that a table names; the folder of the table if not given.",
    ),
]
MaxUnreadable = Annotated[
    str, typer.Option("--max-unreadable", help="Share of items that may be unreadable before it is an error.")
]
Seed = Annotated[int, typer.Option("--seed", min=0, help="The same data and seed give the same model.")]
Budget = Annotated[
    str | None,
    typer.Option(
        "--budget", help="Time for everything, such as 60s or 2m; slow sources and costly baselines give way."
    ),
]
MaxLatency = Annotated[
    float | None, typer.Option("--max-latency-ms", help="Longest time that a source may take for one item alone.")
]
MaxSize = Annotated[float | None, typer.Option("--max-size-mib", help="Largest that a source's weights may be.")]
License = Annotated[
    str | None, typer.Option("--license", help="SPDX names with commas between, or permissive.", metavar="NAMES")
]
Sources = Annotated[
    str | None,
    typer.Option(
        "--source",
        help="Pretrained network, or several with commas between; for one field: FIELD=NAME. See `headstart sources`.",
    ),
]

T = TypeVar("T")

_UNITS_S = {"s": 1.0, "m": 60.0, "h": 3600.0, "": 1.0}


def parse_share(text: str) -> float:
    """Read '1%' or '0.01'.

    >>> parse_share("1%"), parse_share("0.25")
    (0.01, 0.25)
    """
    match = re.fullmatch(r"\s*(\d*\.?\d+)\s*(%?)\s*", text)
    share = float(match[1]) / (100.0 if match[2] else 1.0) if match else -1.0
    if not 0.0 <= share <= 1.0:
        raise OptionError(f"a share between 0 % and 100 % was expected, such as 1% or 0.01, but '{text}' came.")
    return share


_EXAMPLES = {"--threshold": "spam=0.2 or spam=20%"}


def parse_by_label(text: str | None, option: str) -> float | str | dict[str, float] | None:
    """Read one number, a number for each of some labels, or a word as it is; a percentage is a part of one.

    >>> parse_by_label("0.3", "--threshold"), parse_by_label("spam=5, ham=1", "--class-weights")
    (0.3, {'spam': 5.0, 'ham': 1.0})
    >>> parse_by_label("Spam=20%", "--threshold"), parse_by_label("balanced", "--class-weights")
    ({'Spam': 0.2}, 'balanced')
    """
    if text is None:
        return None
    if "=" not in text:
        return _number(text, text)
    found: dict[str, float] = {}
    for part in text.split(","):
        label, _, number = part.rpartition("=")
        value = _number(number, None)
        if not label.strip() or value is None:
            example = _EXAMPLES.get(option, "spam=5,ham=1")
            raise OptionError(
                f"{option} takes a number for each label, such as {example}, got '{text}'. Put commas between labels; where a label has "
                "a comma in it, fit in Python."
            )
        found[label.strip()] = value
    return found


def _number(text: str, otherwise: T) -> float | T:
    plain = text.strip()
    try:
        return float(plain.removesuffix("%")) / 100 if plain.endswith("%") else float(plain)
    except ValueError:
        return otherwise


def parse_numbers(text: str | None, n: int) -> tuple[float, ...] | None:
    """Read n numbers with commas between.

    >>> parse_numbers("0.5,0.5,0.5", 3)
    (0.5, 0.5, 0.5)
    """
    if text is None:
        return None
    try:
        numbers = tuple(float(part) for part in text.split(","))
    except ValueError:
        numbers = ()
    if len(numbers) != n:
        raise OptionError(
            f"{n} numbers with commas between were expected, such as 0.485,0.456,0.406, but '{text}' came."
        )
    return numbers


def parse_duration_s(text: str | None) -> float | None:
    """Read '90', '90s', '2m' or '1h' as seconds.

    >>> parse_duration_s("2m")
    120.0
    """
    if text is None:
        return None
    match = re.fullmatch(r"\s*(\d*\.?\d+)\s*([smh]?)\s*", text)
    seconds = float(match[1]) * _UNITS_S[match[2]] if match else 0.0
    if seconds <= 0.0:
        raise OptionError(f"a duration was expected, such as 90s, 2m or 1h, but '{text}' came.")
    return seconds
