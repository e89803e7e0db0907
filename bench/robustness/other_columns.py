"""Tables without the column that the model learnt from, without rows, or with a quote that is open."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from bench.robustness.input_doors import Expected
from bench.robustness.made_data import messages, write_csv
from bench.robustness.predicted_case import PredictedCase

if TYPE_CHECKING:
    from pathlib import Path

ROWS = messages(6, seed=77)
TEXTS, TOPICS = [text for text, _ in ROWS], [topic for _, topic in ROWS]
CSV, LINES = "text/csv", "application/jsonl"


def other_columns() -> list[PredictedCase]:
    """All of them; the model of texts learnt from a column `text`."""
    ids, replies = [f"T-{i}" for i in range(6)], ["We are sorry to hear of it"] * 6
    right = Expected(value=TOPICS)
    lacking = Expected(refusal=("no 'text'", "--input COLUMN"))
    return [
        _at_every_door("one column, another name", {"note": TEXTS}, right),
        _at_every_door("ids and another name", {"id": ids, "note": TEXTS}, right),
        _at_every_door("the column among others", {"reply": replies, "Text": TEXTS, "topic": TOPICS}, right),
        _at_every_door("two columns, other names", {"note": TEXTS, "reply": replies}, lacking),
        _at_every_door("a label and another name", {"note": TEXTS, "topic": TOPICS}, lacking),
        _at_every_door("a column called item", {"item": ids, "note": TEXTS}, lacking),
        _text("a header alone", "text,n\n", "no rows"),
        _text("an open quote in the only row", 'text,n\n"never came,1\n', "row 1", "never closed"),
    ]


def _at_every_door(name: str, columns: dict[str, list[Any]], expected: Expected) -> PredictedCase:
    def frame(_: Path) -> Any:
        import pandas as pd

        return pd.DataFrame(columns)

    rows = [dict(zip(columns, cells, strict=True)) for cells in zip(*columns.values(), strict=True)]
    lines = "\n".join(map(json.dumps, rows)).encode()
    is_exact = "Text" not in columns  # scikit-learn's names of columns are exact
    return PredictedCase(
        name=name,
        expected=expected,
        words=lambda folder: [_written(folder, columns)],
        python=frame,
        estimator=frame if is_exact and expected.value is not None else None,
        client=frame,
        body=lambda _: (lines, LINES),
    )


def _text(name: str, content: str, *words: str) -> PredictedCase:
    def written(folder: Path) -> list[Path]:
        path = folder / "items.csv"
        path.write_text(content)
        return [path]

    return PredictedCase(
        name=name, expected=Expected(refusal=words), words=written, body=lambda _: (content.encode(), CSV)
    )


def _written(folder: Path, columns: dict[str, list[Any]]) -> Path:
    return write_csv(folder / "items.csv", list(columns), list(zip(*columns.values(), strict=True)))
